//go:build !linux

package runtime

import "math"

// methods are those this system has, the best first.
var methods = []method{copying}

// maxInstances returns how many instances the system can hold: as many as there
// is memory for.
func maxInstances() int { return math.MaxInt }
