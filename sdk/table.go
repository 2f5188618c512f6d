package sdk

import (
	"encoding/json"
	"reflect"
	"strconv"
	"strings"

	"github.com/carrel-dev/carrel/core/abi"
)

// TableOf is a table of documents whose fields are those of the struct T.
type TableOf[T any] struct {
	name, doc string
	indexes   []abi.Index
}

// Table declares a table. The tags of T declare its fields (see the package's
// field tags); indexes over several fields are options.
func Table[T any](name, doc string, indexes ...abi.Index) *TableOf[T] {
	if kind := reflect.TypeFor[T]().Kind(); kind != reflect.Struct {
		panic("sdk: table " + name + ": its documents must be a struct, not " + kind.String())
	}
	return &TableOf[T]{name, doc, indexes}
}

// Index declares an index over fields, in this order. It serves equality on the
// first ones, then a range or an order on the next.
func Index(fields ...string) abi.Index {
	return abi.Index{Name: strings.Join(fields, "_"), Fields: fields}
}

// Unique declares an index over fields in which no two documents are equal.
func Unique(fields ...string) abi.Index {
	return abi.Index{Name: strings.Join(fields, "_"), Fields: fields, Unique: true}
}

// TableDeclaration is any TableOf, for Declaration.Tables.
type TableDeclaration interface {
	table() abi.Table
	warm()
}

func (t *TableOf[T]) table() abi.Table {
	declared := abi.Table{Name: t.name, Doc: t.doc, Indexes: t.indexes}
	for _, f := range fieldsOf(reflect.TypeFor[T]()) {
		declared.Fields = append(declared.Fields, f.Field)
	}
	return declared
}

// warm reads a document that has none of the fields, and encodes it.
func (t *TableOf[T]) warm() {
	warmType(reflect.TypeFor[T]())
	harmless(func() { _, _, _ = Page[T]{ofBytes([]byte(`{"data":[{"id":"doc_","version":1}]}`))}.Docs() })
	harmless(func() { _, _ = encodeBody(reflect.ValueOf(*new(T))) })
	harmless(func() { _, _ = json.Marshal(Partial[T]{}) })
}

// Insert adds a document. Empty strings, zero times and nil values of body are
// left out, and get the field's default.
func (t *TableOf[T]) Insert(c *Ctx, body T) (Doc[T], error) {
	raw, err := t.Add(c, body)
	if err != nil {
		return Doc[T]{}, err
	}
	return raw.Doc()
}

// Add is Insert for those who don't need the document decoded, which takes
// longer than all the rest: to answer it, or for its id.
func (t *TableOf[T]) Add(c *Ctx, body T) (RawDoc[T], error) {
	encoded, err := encodeBody(reflect.ValueOf(body))
	if err != nil {
		return RawDoc[T]{}, err
	}
	raw, err := call(abi.OpDataInsert, t.request("", encoded, nil))
	return RawDoc[T]{raw}, err
}

// request encodes an abi.InsertRequest or, with an id, an abi.WriteRequest;
// without a body it is an abi.GetRequest or an abi.DeleteRequest. The body is
// JSON already, and json.Marshal would read all of it once more.
func (t *TableOf[T]) request(id ID, body json.RawMessage, version []int64) []byte {
	request := append(make([]byte, 0, len(body)+128), `{"table":`...)
	request = appendString(request, t.name)
	if id != "" {
		request = appendString(append(request, `,"id":`...), string(id))
	}
	if len(version) > 0 {
		request = strconv.AppendInt(append(request, `,"ifVersion":`...), version[0], 10)
	}
	if body != nil {
		request = append(append(request, `,"body":`...), body...)
	}
	return append(request, '}')
}

// Get reads a document; see IsNotFound.
func (t *TableOf[T]) Get(c *Ctx, id ID) (Doc[T], error) {
	raw, err := t.read(id)
	if err != nil {
		return Doc[T]{}, err
	}
	return raw.Doc()
}

func (t *TableOf[T]) read(id ID) (RawDoc[T], error) {
	raw, err := call(abi.OpDataGet, t.request(id, nil, nil))
	return RawDoc[T]{raw}, err
}

// Patch merges the members of changes, a Partial or a map, into a document; a
// null removes a field. With a version, the document must still have it: if not,
// the error's kind is conflict_stale.
func (t *TableOf[T]) Patch(c *Ctx, id ID, changes any, version ...int64) (RawDoc[T], error) {
	encoded, err := json.Marshal(changes)
	if err != nil {
		return RawDoc[T]{}, err
	}
	raw, err := call(abi.OpDataPatch, t.request(id, encoded, version))
	return RawDoc[T]{raw}, err
}

// Replace puts body in the place of a document's. With a version, the document
// must still have it, see Patch.
func (t *TableOf[T]) Replace(c *Ctx, id ID, body T, version ...int64) (RawDoc[T], error) {
	encoded, err := encodeBody(reflect.ValueOf(body))
	if err != nil {
		return RawDoc[T]{}, err
	}
	raw, err := call(abi.OpDataReplace, t.request(id, encoded, version))
	return RawDoc[T]{raw}, err
}

// Delete removes a document and what its references say goes with it. With a
// version, the document must still have it, see Patch.
func (t *TableOf[T]) Delete(c *Ctx, id ID, version ...int64) error {
	return tell(abi.OpDataDelete, t.request(id, nil, version), nil)
}

// By finds the document whose field has a value, the first if there are more.
// The field must be indexed.
func (t *TableOf[T]) By(c *Ctx, name string, value any) (doc Doc[T], found bool, err error) {
	return t.Where(name, value).First(c)
}

// The standard handlers of a table, to be registered as they are:
//
//	Query("GET /companies", companies.List).
//	Query("GET /companies/:id", companies.Show).
//	Mutation("POST /companies", companies.Create).
//	Mutation("PATCH /companies/:id", companies.Change).
//	Mutation("DELETE /companies/:id", companies.Remove)

// List answers the page that the request's query asks for:
// `?filter[stage]=lead&filter[amount][gte]=5&sort=-createdAt&limit=20&cursor=…`.
func (t *TableOf[T]) List(c *Ctx) (Listing[T], error) {
	query, err := t.Asked(c)
	if err != nil {
		return Listing[T]{}, err
	}
	page, err := query.Page(c)
	return Listing[T]{page}, err
}

// Show answers the document that `:id` names.
func (t *TableOf[T]) Show(c *Ctx) (RawDoc[T], error) { return t.read(ID(c.Param("id"))) }

// Create adds the document in the body and answers it with 201.
func (t *TableOf[T]) Create(c *Ctx, body T) (RawDoc[T], error) {
	c.SetStatus(201)
	return t.Add(c, body)
}

// Change patches the document that `:id` names. An If-Match header, if there is
// one, must be the document's version.
func (t *TableOf[T]) Change(c *Ctx, changes Partial[T]) (RawDoc[T], error) {
	version, err := c.IfMatch()
	if err != nil {
		return RawDoc[T]{}, err
	}
	return t.Patch(c, ID(c.Param("id")), changes, version)
}

// Remove deletes the document that `:id` names; 204. It honours If-Match, too.
func (t *TableOf[T]) Remove(c *Ctx) error {
	version, err := c.IfMatch()
	if err != nil {
		return err
	}
	return t.Delete(c, ID(c.Param("id")), version)
}
