package report

import (
	"encoding/json"
	"io"
)

// Row is what one implementation did of one kind of work on one store.
type Row struct {
	Work  string  `json:"work"`
	Store string  `json:"store"` // sqlite or postgres
	Impl  string  `json:"impl"`
	RPS   float64 `json:"rps,omitempty"`    // done a second
	P50US float64 `json:"p50_us,omitempty"` // microseconds
	P99US float64 `json:"p99_us,omitempty"`
}

// WriteJSON prints a line of JSON for each of the rows or figures.
func WriteJSON[T any](out io.Writer, lines []T) error {
	encoder := json.NewEncoder(out)
	for _, line := range lines {
		if err := encoder.Encode(line); err != nil {
			return err
		}
	}
	return nil
}
