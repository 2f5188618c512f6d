package sdk

import (
	"encoding/json"
	"reflect"
	"runtime"
	"runtime/debug"
	"unsafe"

	"github.com/carrel-dev/carrel/core/abi"
)

// A module's image is taken after warm, and every call begins from it. What warm
// has done, no call has to do: a lazily built table or a grown stack costs each
// call its time, and each page it writes to is one to put back.

const (
	// warmHeap is free memory the image has from the start, in bytes. Nothing in
	// it is touched, so it costs nothing; but a call that needs no more of it
	// need not grow its memory, which would cost the instance.
	warmHeap = 4 << 20
	// A call is over before a collection pays: it would write to most of the
	// heap's pages. So the first one comes when the heap has 16 MiB: 4 MiB, Go's
	// smallest, times warmPercent. At warmLimit bytes, half of the 64 MiB a call
	// has by the host's own limit, they come as often as they must to stay there.
	warmPercent = 400
	warmLimit   = 32 << 20
)

// warm gets the plugin ready for its calls. There is no host yet.
func warm() {
	d := declared()
	for _, h := range d.handlers {
		h.warm()
	}
	for _, t := range d.tables {
		t.warm()
	}
	for _, e := range d.events {
		e.warm()
	}
	if d.settings != nil {
		warmType(d.settings)
	}
	warmType(reflect.TypeFor[abi.Error]())
	warmType(reflect.TypeFor[abi.IDResponse]())

	runtime.KeepAlive(make([]byte, warmHeap)) // for its room only
	if percent := debug.SetGCPercent(warmPercent); percent != 100 {
		debug.SetGCPercent(percent) // the plugin's own
	} else {
		debug.SetMemoryLimit(warmLimit)
	}
	runtime.GC()
	runtime.Gosched() // what waited to run, has

	// Last, on the swept heap: stacks and free lists are then as calls want them.
	stock()
	for range 2 {
		rehearse()
	}
}

// stocked is the largest small value of which there is one more in stock, in bytes.
const stocked = 2 << 10

// stock has the allocator begin a page for small values of each size, with and
// without pointers. A call that is the first to want a size pays for that more
// than for all the values it makes.
func stock() {
	for size := 1; size <= stocked; {
		plain := append([]byte(nil), make([]byte, size)...)
		sample = plain
		sample = make([]*byte, cap(plain)/int(unsafe.Sizeof(&size)))
		size = cap(plain) + 1 // append makes it as large as the allocator's sizes are
	}
	sample = nil
}

// sample is written to, so that what stock makes is made.
//
//lint:ignore U1000 nobody need read it
var sample any

// rehearsal is an invocation like most.
const rehearsal = `{"id":"inv_","kind":"query","handler":"","trigger":"request","attempt":1,"now":"2000-01-01T00:00:00.5Z","seed":1,` +
	`"actor":{"type":"member","id":"acc_","role":"member"},"request":{"method":"GET","path":"/","params":{"id":"doc_"},` +
	`"query":{"sort":"-createdAt"},"headers":{"accept":"*/*"}}}`

// rehearse serves an invocation as calls are served, with a handler that does
// nothing: neither the plugin's code runs, nor is the host asked.
func rehearse() {
	d := declared()
	d.handlers[""] = newHandler("", abi.KindQuery, func(c *Ctx) (struct{}, error) {
		_ = c.Header("accept")
		_ = encodeQuery(abi.QueryRequest{Table: "t", Sort: []string{c.Query("sort")}, Limit: 1})
		return struct{}{}, nil
	})
	serve([]byte(rehearsal))
	delete(d.handlers, "")
}

// warm fills the caches of the types a handler takes and gives.
func (h *handler) warm() {
	if h.in != nil {
		warmType(h.in)
		harmless(func() { decodeStrict([]byte("{}"), reflect.New(h.in), "body") })
		harmless(func() { decodeStrict([]byte(`{"":0}`), reflect.New(h.in), "body") }) // the slow way, to refuse it
	}
	if h.out != nil {
		warmType(h.out)
		_, _ = reflect.Zero(h.out).Interface().(passthrough)
	}
	// What reflection knows about calling a function, it knows by its type.
	t := h.fn.Type()
	nothing := func([]reflect.Value) []reflect.Value { return zeros(t.NumOut(), t.Out) }
	reflect.MakeFunc(t, nothing).Call(zeros(t.NumIn(), t.In))
}

func zeros(n int, t func(int) reflect.Type) []reflect.Value {
	values := make([]reflect.Value, n)
	for i := range values {
		values[i] = reflect.Zero(t(i))
	}
	return values
}

// warmType fills what encoding/json and this package know about a type.
func warmType(t reflect.Type) {
	if t.Kind() == reflect.Struct {
		fieldsOf(t)
	}
	harmless(func() { readPlain([]byte("{}"), reflect.New(t), true) })
	harmless(func() { _ = json.Unmarshal([]byte("{}"), reflect.New(t).Interface()) })
	harmless(func() { _, _ = json.Marshal(reflect.Zero(t).Interface()) })
}

// harmless runs what may call the plugin's own marshalers, on values they may
// not expect.
func harmless(do func()) {
	defer func() { _ = recover() }()
	do()
}
