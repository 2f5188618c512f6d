package main

import (
	"strings"

	"github.com/carrel-dev/carrel/sdk"
)

const (
	maxFile  = 4 << 20 // bytes of a file
	maxChunk = 8 << 10 // bytes of a chunk, unless one record alone is longer
)

// Import is a file of contacts being taken in, and its report.
type Import struct {
	Status     string       `json:"status" carrel:"required,index,enum=queued|running|done,doc=How far the import is"`
	DryRun     bool         `json:"dryRun" carrel:"doc=Whether it only reports what it would do"`
	FileName   string       `json:"fileName" carrel:"max=200,doc=Name of the file, as the client gave it"`
	Total      int          `json:"total" carrel:"doc=Rows in the file, without the header and empty lines"`
	Processed  int          `json:"processed" carrel:"doc=Rows done: created, updated, unchanged and failed"`
	Created    int          `json:"created" carrel:"doc=Rows that became a new contact"`
	Updated    int          `json:"updated" carrel:"doc=Rows that changed a contact"`
	Unchanged  int          `json:"unchanged" carrel:"doc=Rows that said nothing new"`
	Failed     int          `json:"failed" carrel:"doc=Rows that were refused; see the import's errors"`
	Columns    []string     `json:"columns" carrel:"doc=What each column of the file holds; an empty one is ignored"`
	Ignored    []string     `json:"ignored" carrel:"doc=Headings of columns that were not understood"`
	Delimiter  string       `json:"delimiter" carrel:"max=1,doc=What separates the columns"`
	CreatedBy  string       `json:"createdBy" carrel:"max=100,doc=Account that started the import"`
	FinishedAt string       `json:"finishedAt" carrel:"time,doc=When the last row was done"`
	Cursor     ImportCursor `json:"cursor" carrel:"doc=Where the next batch begins"`
}

// ImportCursor is a place in an import's file.
type ImportCursor struct {
	Chunk  int `json:"chunk"`
	Offset int `json:"offset"` // bytes into the chunk
	Line   int `json:"line"`   // physical line, the header's is 1
}

// ImportChunk is a part of an import's file, whole records. It is deleted once
// its rows are done.
type ImportChunk struct {
	ImportID sdk.ID `json:"importId" carrel:"required,ref=imports,on_delete=cascade"`
	Number   int    `json:"number" carrel:"required"`
	Text     string `json:"text" carrel:"text,required"`
}

// ImportError is a row that was refused.
type ImportError struct {
	ImportID sdk.ID `json:"importId" carrel:"required,ref=imports,on_delete=cascade"`
	Line     int    `json:"line" carrel:"required,doc=Physical line of the file on which the row begins; the header's is 1"`
	Reason   string `json:"reason" carrel:"required,max=500,doc=What is wrong with it"`
	Raw      string `json:"raw" carrel:"text,max=500,doc=The beginning of the row"`
}

var (
	imports      = sdk.Table[Import]("imports", "Files of contacts, and what became of them")
	importChunks = sdk.Table[ImportChunk]("import_chunks", "Parts of files that are not imported yet", sdk.Unique("importId", "number"))
	importErrors = sdk.Table[ImportError]("import_errors", "Rows that were refused", sdk.Index("importId", "line"))
)

type importRequest struct {
	DryRun   bool   `json:"-" query:"dryRun" carrel:"doc=true to report what the import would do, and change nothing"`
	FileName string `json:"-" query:"fileName" carrel:"max=200,doc=Name of the file, for the report"`
}

// startImport takes a CSV file in and schedules its first batch. It is refused
// as a whole only when it cannot be a list of contacts; what is wrong with
// single rows is reported by row.
func startImport(c *sdk.Ctx, in importRequest) (doc sdk.RawDoc[Import], err error) {
	if len(c.Body()) > maxFile {
		return doc, sdk.TooLarge("The file has %d bytes; at most %d are taken at once. Split it, with the header in each part.", len(c.Body()), maxFile)
	}
	text, problem := checkText(c.Body())
	if problem != "" {
		return doc, sdk.Violation("body", "%s", problem)
	}
	d := detect(text)
	header := d.next(text)
	columns, ignored, problem := readHeader(d, header)
	if problem != "" {
		return doc, sdk.Violation("body", "%s", problem)
	}
	chunks, rows := d.chunks(text[len(header.text):], maxChunk)
	doc, err = imports.Add(c, Import{
		Status: "queued", DryRun: in.DryRun, FileName: in.FileName, Total: rows,
		Columns: columns, Ignored: ignored, Delimiter: string(d.comma), CreatedBy: c.Actor().ID,
		Cursor: ImportCursor{Line: 1 + header.lines},
	})
	if err != nil {
		return doc, err
	}
	id, err := doc.ID()
	if err != nil {
		return doc, err
	}
	for number, chunk := range chunks {
		if _, err := importChunks.Add(c, ImportChunk{id, number, chunk}); err != nil {
			return doc, err
		}
	}
	if _, err := c.Schedule(importJob, batchPayload{id}, 0); err != nil {
		return doc, err
	}
	c.SetStatus(202)
	return doc, nil
}

type errorsRequest struct {
	Limit  int    `json:"-" query:"limit" carrel:"doc=How many to answer, 1 to 200; 50 without it."`
	Cursor string `json:"-" query:"cursor" carrel:"doc=The nextCursor of the page before."`
}

// listErrors answers the refused rows of an import, in the file's order.
func listErrors(c *sdk.Ctx, in errorsRequest) (sdk.Page[ImportError], error) {
	id := sdk.ID(c.Param("id"))
	if _, err := imports.Get(c, id); err != nil {
		return sdk.Page[ImportError]{}, err
	}
	return importErrors.Where("importId", id).Sort("line").Limit(in.Limit).Cursor(in.Cursor).Page(c)
}

// cut shortens a row for its error.
func cut(text string) string {
	text = strings.ToValidUTF8(strings.TrimRight(text, "\r\n"), "")
	if runes := []rune(text); len(runes) > 400 {
		return string(runes[:400]) + "…"
	}
	return text
}
