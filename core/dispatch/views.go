package dispatch

import (
	"context"
	"sync"

	"github.com/carrel-dev/carrel/core"
	"github.com/carrel-dev/carrel/core/abi"
)

// maxViews bounds the cache; beyond it an arbitrary view makes room.
const maxViews = 4096

// viewCache keeps the view of each active workspace in memory. A view may be
// out of date; nobody is refused or served by it before its epoch was checked.
type viewCache struct {
	load Views
	mu   sync.Mutex
	kept map[core.WorkspaceID]*view
}

// view is a View made ready to be asked.
type view struct {
	View
	installed []*installed
	byAlias   map[string]*installed
	byID      map[core.InstallationID]*installed
}

type installed struct {
	core.Installation
	manifest *abi.Manifest // nil when this server doesn't have the release
	routes   *router
	pages    *router
}

func newViewCache(load Views) *viewCache {
	return &viewCache{load: load, kept: map[core.WorkspaceID]*view{}}
}

func (c *viewCache) get(ctx context.Context, ws core.WorkspaceID) (*view, error) {
	c.mu.Lock()
	v := c.kept[ws]
	c.mu.Unlock()
	if v != nil {
		return v, nil
	}
	loaded, err := c.load.View(ctx, ws)
	if err != nil {
		return nil, core.Wrap("dispatch.View", core.Unavailable, err)
	}
	v = newView(loaded)
	c.mu.Lock()
	defer c.mu.Unlock()
	if other := c.kept[ws]; other != nil && other.Access.Epoch > v.Access.Epoch {
		return other, nil
	}
	if len(c.kept) >= maxViews {
		for other := range c.kept {
			delete(c.kept, other)
			break
		}
	}
	c.kept[ws] = v
	return v, nil
}

func (c *viewCache) drop(ws core.WorkspaceID) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.kept, ws)
}

func (c *viewCache) dropAll() {
	c.mu.Lock()
	defer c.mu.Unlock()
	clear(c.kept)
}

// dropStale drops a view unless another has taken its place.
func (c *viewCache) dropStale(ws core.WorkspaceID, v *view) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.kept[ws] == v {
		delete(c.kept, ws)
	}
}

func newView(v View) *view {
	ready := &view{View: v, byAlias: map[string]*installed{}, byID: map[core.InstallationID]*installed{}}
	for _, in := range v.Access.Installations {
		one := &installed{Installation: in, manifest: v.Manifests[in.Digest]}
		if one.manifest != nil {
			one.routes = newRouter(one.manifest.Routes)
			one.pages = newRouter(pageRoutes(one.manifest.Pages))
		}
		ready.installed = append(ready.installed, one)
		ready.byAlias[in.Alias], ready.byID[in.ID] = one, one
	}
	return ready
}
