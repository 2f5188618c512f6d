package api

import (
	"bytes"
	"context"
	"net/http"
	"time"

	"github.com/carrel-dev/carrel/core"
	"github.com/carrel-dev/carrel/registry"
	"github.com/carrel-dev/carrel/web/session"
)

func (a *API) releases() {
	publish := describe("POST /releases", "publishRelease", "Publish a release")
	publish.Description = "The body is the module, up to 32 MiB; it carries its manifest. Publishing the same bytes again changes nothing; other bytes under a published version are refused. An account may upload 30 modules at once, and one more each minute; a module counts as one more for every 8 MiB it has."
	publish.DefaultStatus = http.StatusCreated
	register(a, operator, publish, func(ctx context.Context, in *struct {
		Digest  string `header:"X-Carrel-Digest" doc:"What the module's digest must be, sha256:…, to notice a cut upload."`
		RawBody []byte `contentType:"application/wasm"`
	}) (*releaseOutput, error) {
		who, err := session.Require(ctx)
		if err != nil {
			return nil, err
		}
		if err := a.uploads.take(who.Account.ID, len(in.RawBody), time.Now()); err != nil {
			return nil, err
		}
		release, err := a.Registry.Publish(ctx,
			registry.Publication{Module: bytes.Clone(in.RawBody), Digest: core.Digest(in.Digest)})
		if err != nil {
			return nil, inBody(err)
		}
		return &releaseOutput{releaseView(release)}, nil
	})

	register(a, known, describe("GET /releases/{digest}", "getRelease", "Get a release"),
		func(ctx context.Context, in *struct {
			Digest string `path:"digest" doc:"sha256:…"`
		}) (*releaseOutput, error) {
			release, err := a.Registry.ByDigest(ctx, core.Digest(in.Digest))
			if err != nil {
				return nil, err
			}
			return &releaseOutput{releaseView(release)}, nil
		})

	yank := describe("POST /releases/{digest}/yank", "yankRelease", "Yank a release, or take that back")
	yank.Description = "Nothing is deleted: installations keep running, but nobody gets it any more without naming it."
	register(a, operator, yank, func(ctx context.Context, in *struct {
		Digest string `path:"digest" doc:"sha256:…"`
		Body   struct {
			Yanked bool `json:"yanked"`
		}
	}) (*releaseOutput, error) {
		release, err := a.Registry.Yank(ctx, core.Digest(in.Digest), in.Body.Yanked)
		if err != nil {
			return nil, err
		}
		return &releaseOutput{releaseView(release)}, nil
	})
}
