package sdk

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/carrel-dev/carrel/core/abi"
)

type person struct {
	Email    string          `json:"email" carrel:"email,required,unique,max=254,doc=Address, in lower case"`
	Name     string          `json:"name" carrel:"required,index"`
	Stage    string          `json:"stage" carrel:"enum=lead|customer,default=lead"`
	Score    int             `json:"score" carrel:"default=5"`
	Rank     int             `json:"rank"`
	Rate     float64         `json:"rate"`
	Active   *bool           `json:"active" carrel:"default=true"`
	Born     string          `json:"born" carrel:"date"`
	Seen     time.Time       `json:"seen"`
	Company  ID              `json:"companyId" carrel:"ref=companies,on_delete=clear"`
	Budget   Money           `json:"budget"`
	Tags     []string        `json:"tags" carrel:"max=3"`
	Address  address         `json:"address"`
	Extra    json.RawMessage `json:"extra"`
	internal int             //lint:ignore U1000 shows that it is no field of the table
}

type address struct {
	City string `json:"city" carrel:"required"`
}

func TestTableDeclaration(t *testing.T) {
	got := Table[person]("people", "Who we know", Unique("stage", "name"), Index("companyId", "score")).table()
	want := abi.Table{
		Name: "people", Doc: "Who we know",
		Fields: []abi.Field{
			{Name: "email", Type: abi.TypeEmail, Required: true, Unique: true, Max: 254, Doc: "Address, in lower case"},
			{Name: "name", Type: abi.TypeString, Required: true, Index: true},
			{Name: "stage", Type: abi.TypeString, Enum: []string{"lead", "customer"}, Default: json.RawMessage(`"lead"`)},
			{Name: "score", Type: abi.TypeInt, Default: json.RawMessage(`5`)},
			{Name: "rank", Type: abi.TypeInt},
			{Name: "rate", Type: abi.TypeFloat},
			{Name: "active", Type: abi.TypeBool, Default: json.RawMessage(`true`)},
			{Name: "born", Type: abi.TypeDate},
			{Name: "seen", Type: abi.TypeTime},
			{Name: "companyId", Type: abi.TypeID, Ref: "companies", OnDelete: "clear"},
			{Name: "budget", Type: abi.TypeMoney},
			{Name: "tags", Type: abi.TypeArray, Max: 3},
			{Name: "address", Type: abi.TypeObject},
			{Name: "extra", Type: abi.TypeJSON},
		},
		Indexes: []abi.Index{
			{Name: "stage_name", Fields: []string{"stage", "name"}, Unique: true},
			{Name: "companyId_score", Fields: []string{"companyId", "score"}},
		},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("declared\n%+v\nwant\n%+v", got, want)
	}
}

func TestEncodeBody(t *testing.T) {
	no := false
	for _, one := range []struct {
		name  string
		value person
		want  string
	}{
		{"what is empty is left out, a zero number is not", person{Email: "a@b.example"}, `{"email":"a@b.example","rank":0,"rate":0}`},
		{"a pointer says false", person{Active: &no}, `{"rank":0,"rate":0,"active":false}`},
		{"a value that differs from the default", person{Score: 6, Company: "doc_1"}, `{"score":6,"rank":0,"rate":0,"companyId":"doc_1"}`},
	} {
		got, err := encodeBody(reflect.ValueOf(one.value))
		if err != nil || string(got) != one.want {
			t.Errorf("%s: %s, %v; want %s", one.name, got, err, one.want)
		}
	}
}

func TestBadTagsPanic(t *testing.T) {
	for _, one := range []struct {
		value   any
		message string
	}{
		{struct {
			A string `json:"a" carrel:"reqired"`
		}{}, `unknown word: "reqired"`},
		{struct {
			A string `json:"a" carrel:"max=ten"`
		}{}, "max=ten is not a whole number"},
		{struct {
			A int `json:"a" carrel:"default=ten"`
		}{}, "default=ten is not a value of type int"},
		{struct {
			A string `path:"a"`
		}{}, `tag it json:"-" too`},
	} {
		expectPanic(t, one.message, func() { fieldsOf(reflect.TypeOf(one.value)) })
	}
	expectPanic(t, "must be a struct, not string", func() { Table[string]("names", "") })
}

func expectPanic(t *testing.T, message string, do func()) {
	t.Helper()
	defer func() {
		t.Helper()
		if said, _ := recover().(string); !strings.Contains(said, message) {
			t.Errorf("panic %q, want %q", said, message)
		}
	}()
	do()
}

func TestDocIsFlat(t *testing.T) {
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	doc := Doc[address]{ID: "doc_1", Version: 7, CreatedAt: at, UpdatedAt: at, Body: address{City: "Basel"}}
	encoded, err := json.Marshal(doc)
	if want := `{"id":"doc_1","version":7,"createdAt":"2026-01-02T03:04:05Z","updatedAt":"2026-01-02T03:04:05Z","city":"Basel"}`; err != nil || string(encoded) != want {
		t.Errorf("%s, %v", encoded, err)
	}
	var back Doc[address]
	if err := json.Unmarshal(encoded, &back); err != nil || back != doc {
		t.Errorf("%+v, %v", back, err)
	}
}
