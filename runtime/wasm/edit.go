package wasm

// edit is a place that weaving changes: the bytes from at to end become what
// the kind says.
type edit struct {
	at, end  uint32
	argument uint32
	kind     editKind
}

type editKind byte

const (
	editFunction       editKind = iota // the index of a function; argument: the index
	editBranch                         // the label of a branch; argument: the label
	editReturn                         // a return; argument: how many blocks it leaves
	editBulk                           // a bulk operation; argument: its index in bulk
	editCharge                         // a place for a charge; argument: the units
	editCheck                          // a place for a check; argument: its cost
	editLoop                           // the beginning of a loop; argument: the cost
	editLoopWithParams                 // the same
)
