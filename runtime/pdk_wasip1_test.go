package runtime_test

// The guest in testdata/guests/pdk is built with this kit. go mod tidy doesn't
// look into testdata, and would drop it.
import _ "github.com/extism/go-pdk"
