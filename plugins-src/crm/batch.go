package main

import (
	"errors"
	"time"

	"github.com/carrel-dev/carrel/sdk"
)

// importJob works an import off in batches of batchRows rows. A batch is one
// unit of work, its next batch scheduled within: whatever stops the server, a
// row is done exactly once.
const (
	importJob = "import-batch"
	batchRows = 50
)

type batchPayload struct {
	ImportID sdk.ID `json:"importId"`
}

// batch is one run of the job.
type batch struct {
	c      *sdk.Ctx
	id     sdk.ID
	report *Import
	format dialect
	ledger ledger
}

func runBatch(c *sdk.Ctx, in batchPayload) error {
	doc, err := imports.Get(c, in.ImportID)
	if sdk.IsNotFound(err) || err == nil && doc.Body.Status == "done" {
		return nil
	}
	if err != nil {
		return err
	}
	b := batch{c: c, id: doc.ID, report: &doc.Body, format: dialect{doc.Body.Delimiter[0], maxRecord}, ledger: live{}}
	if doc.Body.DryRun {
		b.ledger = dryRun{importID: doc.ID, created: &doc.Body.Created}
	}
	more, err := b.rows(batchRows)
	if err != nil {
		return err
	}
	b.report.Status = "running"
	if !more {
		b.report.Status, b.report.FinishedAt = "done", c.Now().UTC().Format(time.RFC3339)
	}
	if _, err := imports.Replace(c, doc.ID, doc.Body); err != nil {
		return err
	}
	if more {
		_, err = c.Schedule(importJob, in, 0)
	} else if doc.Body.DryRun {
		_, err = c.Schedule(tidyJob, in, 0)
	}
	return err
}

// rows does at most n rows and reports whether there are more.
func (b *batch) rows(n int) (more bool, err error) {
	at := &b.report.Cursor
	for {
		chunk, found, err := importChunks.Where("importId", b.id).Where("number", at.Chunk).First(b.c)
		if err != nil || !found {
			return false, err
		}
		text := chunk.Body.Text[min(at.Offset, len(chunk.Body.Text)):]
		for text != "" {
			r := b.format.next(text)
			if !r.blank() {
				if n == 0 {
					return true, nil
				}
				n--
				if err := b.row(r, at.Line); err != nil {
					return false, err
				}
			}
			text = text[len(r.text):]
			at.Offset += len(r.text)
			at.Line += r.lines
		}
		if err := importChunks.Delete(b.c, chunk.ID); err != nil {
			return false, err
		}
		at.Chunk, at.Offset = at.Chunk+1, 0
	}
}

// row does one row, and counts it. A row that cannot be imported is reported,
// and the import goes on.
func (b *batch) row(r record, line int) error {
	one, err := readRow(b.format, r, b.report.Columns)
	if err == nil {
		err = b.apply(one)
	}
	b.report.Processed++
	var refused rowError
	if errors.As(err, &refused) {
		b.report.Failed++
		_, err = importErrors.Add(b.c, ImportError{b.id, line, string(refused), cut(r.text)})
	}
	return err
}

// overQuota refuses a row that would be one contact too many.
const overQuota = rowError("the plan's quota of contacts is used up")

func (b *batch) apply(one row) error {
	what, err := upsert(b.c, b.ledger, one)
	switch {
	case sdk.IsQuotaExceeded(err):
		return overQuota
	case sdk.IsInvalid(err): // what readRow lets pass and the host doesn't
		return rowError("the contact is refused: " + err.Error())
	case err != nil:
		return err
	}
	switch what {
	case created:
		b.report.Created++
	case updated:
		b.report.Updated++
	case unchanged:
		b.report.Unchanged++
	}
	return nil
}
