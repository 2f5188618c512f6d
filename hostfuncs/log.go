package hostfuncs

import (
	"context"
	"strings"

	"github.com/carrel-dev/carrel/core/abi"
)

// maxLogMessage is where a line is cut, in bytes.
const maxLogMessage = 8 << 10

var logOperations = []Operation{
	{abi.OpLogWrite, "log.write", "", anyKind, "Write a line to the invocation's log.", with(logWrite)},
}

func logWrite(_ context.Context, h *Host, r abi.LogRequest) (nothing, error) {
	switch r.Level {
	case "debug", "info", "warn", "error":
	default:
		return nothing{}, place("log.write", "level", "must be debug, info, warn or error")
	}
	if len(r.Message) > maxLogMessage {
		r.Message = strings.ToValidUTF8(r.Message[:maxLogMessage], "") + "…"
	}
	if h.b.Log != nil {
		h.b.Log(r)
	}
	return nothing{}, nil
}
