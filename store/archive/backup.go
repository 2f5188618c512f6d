package archive

import (
	"context"

	"github.com/carrel-dev/carrel/core"
)

// Progress hears how far something has come: the table it is at, and how many rows
// of that are done.
type Progress func(table string, rows int64)

// every is after how many rows a Progress hears of it.
const every = 10_000

func (p Progress) say(table string, rows int64) {
	if p != nil && rows%every == 0 {
		p(table, rows)
	}
}

// Backup writes all tables of a database, and the ids of its keys into the manifest.
func Backup(ctx context.Context, w *Writer, from Snapshot, m *Manifest, progress Progress) error {
	for _, t := range Tables {
		err := w.Table(t, func(put func(Row) error) error {
			var n int64
			return from.Rows(ctx, t, "", func(row Row) error {
				progress.say(t.Name, n)
				n++
				if t.Name == "secret_keys" {
					m.Keys = append(m.Keys, row[t.Index("id")].(string))
				}
				return put(row)
			})
		})
		if err != nil {
			return core.Wrap("archive.Backup", core.Unavailable, err)
		}
	}
	return nil
}
