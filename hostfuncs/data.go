package hostfuncs

import (
	"context"
	"encoding/json"
	"strconv"

	"github.com/carrel-dev/carrel/core"
	"github.com/carrel-dev/carrel/core/abi"
)

var dataOperations = []Operation{
	{abi.OpDataInsert, "data.insert", abi.CapabilityData, mutations, "Add a document to a table.", with(dataInsert)},
	{abi.OpDataGet, "data.get", abi.CapabilityData, inUnit, "Read one document.", with(dataGet)},
	{abi.OpDataPatch, "data.patch", abi.CapabilityData, mutations, "Change some fields of a document.", with(dataPatch)},
	{abi.OpDataReplace, "data.replace", abi.CapabilityData, mutations, "Put a new body in a document's place.", with(dataReplace)},
	{abi.OpDataDelete, "data.delete", abi.CapabilityData, mutations, "Remove a document.", with(dataDelete)},
	{abi.OpDataQuery, "data.query", abi.CapabilityData, inUnit, "Read a page of documents.", with(dataQuery)},
	{abi.OpDataCount, "data.count", abi.CapabilityData, inUnit, "Count documents.", with(dataCount)},
}

// The unit knows the tables of the plugin's manifest and no others, so a table
// of another plugin is an unknown table.

func dataInsert(ctx context.Context, h *Host, r abi.InsertRequest) (json.RawMessage, error) {
	return flat(h.b.Unit.Insert(ctx, r.Table, r.Body))
}

func dataGet(ctx context.Context, h *Host, r abi.GetRequest) (json.RawMessage, error) {
	return flat(h.b.Unit.Get(ctx, r.Table, core.DocumentID(r.ID)))
}

func dataPatch(ctx context.Context, h *Host, r abi.WriteRequest) (json.RawMessage, error) {
	return flat(h.b.Unit.Patch(ctx, r.Table, core.DocumentID(r.ID), r.Body, r.IfVersion))
}

func dataReplace(ctx context.Context, h *Host, r abi.WriteRequest) (json.RawMessage, error) {
	return flat(h.b.Unit.Replace(ctx, r.Table, core.DocumentID(r.ID), r.Body, r.IfVersion))
}

func dataDelete(ctx context.Context, h *Host, r abi.DeleteRequest) (nothing, error) {
	return nothing{}, h.b.Unit.Delete(ctx, r.Table, core.DocumentID(r.ID), r.IfVersion)
}

// dataQuery answers an abi.Page. Its documents are JSON already, and
// encoding/json would read all of them once more.
func dataQuery(ctx context.Context, h *Host, r abi.QueryRequest) (json.RawMessage, error) {
	docs, next, err := h.b.Unit.Query(ctx, r)
	if err != nil {
		return nil, err
	}
	page := append(make([]byte, 0, 512*(1+len(docs))), `{"data":[`...)
	for i, doc := range docs {
		if i > 0 {
			page = append(page, ',')
		}
		page = doc.AppendFlat(page)
	}
	page = append(page, ']')
	if next != "" {
		page = strconv.AppendQuote(append(page, `,"nextCursor":`...), next)
	}
	return append(page, '}'), nil
}

func dataCount(ctx context.Context, h *Host, r abi.CountRequest) (abi.CountResponse, error) {
	count, capped, err := h.b.Unit.Count(ctx, r.Table, r.Filter)
	return abi.CountResponse{Count: count, Capped: capped}, err
}

func flat(doc core.Document, err error) (json.RawMessage, error) {
	if err != nil {
		return nil, err
	}
	return doc.Flat(), nil
}
