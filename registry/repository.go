package registry

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"oras.land/oras-go/v2/content"
	"oras.land/oras-go/v2/errdef"
	oci "oras.land/oras-go/v2/registry/remote"
	"oras.land/oras-go/v2/registry/remote/auth"
	"oras.land/oras-go/v2/registry/remote/credentials"
	"oras.land/oras-go/v2/registry/remote/errcode"
	"oras.land/oras-go/v2/registry/remote/retry"

	"github.com/carrel-dev/carrel/core"
)

const (
	schemeTLS   = "oci://"
	schemePlain = "oci+http://"
)

func isRemote(where string) bool { return strings.Contains(where, "://") }

// openRepository makes clients of the repository at an address. Nothing is sent
// yet. A client finds out once, when it first stores or asks for a referrer,
// whether the registry keeps account of them; by what it answers to the one it
// may not be known, so there is a client for either.
func openRepository(where string, cfg Config) (repo, referrers *oci.Repository, err error) {
	const op = "registry.Open"
	address, plain := strings.CutPrefix(where, schemePlain)
	if !plain {
		var ok bool
		if address, ok = strings.CutPrefix(where, schemeTLS); !ok {
			return nil, nil, badAddress()
		}
	}
	if strings.Contains(address, "@") { // a digest, or a password: so the address is not shown
		return nil, nil, core.E(op, core.Invalid,
			"The address of a registry holds neither credentials nor a digest. Sign in with docker login, "+
				"or set CARREL_REGISTRY_USER and CARREL_REGISTRY_PASSWORD.")
	}
	if repo, err = oci.NewRepository(address); err != nil || repo.Reference.Reference != "" {
		return nil, nil, badAddress()
	}
	credential := auth.StaticCredential(repo.Reference.Host(), auth.Credential{Username: cfg.User, Password: string(cfg.Password)})
	if cfg.User == "" {
		store, err := credentials.NewStoreFromDocker(credentials.StoreOptions{})
		if err != nil {
			return nil, nil, &core.Error{Op: op, Kind: core.Unavailable, Err: err,
				Msg: "The credentials of docker login cannot be read. Correct ~/.docker/config.json, or set CARREL_REGISTRY_USER."}
		}
		credential = credentials.Credential(store)
	}
	repo.PlainHTTP = plain
	repo.SkipReferrersGC = true // many registries let nobody delete
	repo.MaxMetadataBytes = 16 << 20
	repo.TagListMaxPages = 10_000
	repo.Client = discreet{&auth.Client{
		Client:     &http.Client{Transport: &retry.Transport{Base: newTransport(), Policy: func() retry.Policy { return twice }}},
		Credential: credential,
		Cache:      auth.NewCache(),
	}}
	referrers = &oci.Repository{
		Client: repo.Client, Reference: repo.Reference, PlainHTTP: plain,
		MaxMetadataBytes: repo.MaxMetadataBytes, ReferrerListMaxPages: 100,
	}
	return repo, referrers, nil
}

func badAddress() error {
	return core.E("registry.Open", core.Invalid,
		"A registry is a folder, or a repository without a tag: oci://registry.example.com/carrel, or oci+http:// without TLS.")
}

// twice tries again what a busy registry did not answer. More is the business
// of whoever waits.
var twice = &retry.GenericPolicy{
	Retryable: retry.DefaultPredicate, Backoff: retry.DefaultBackoff, MinWait: 100 * time.Millisecond, MaxWait: time.Second, MaxRetry: 2,
}

// newTransport is the standard one, which waits less long for what is not there.
func newTransport() *http.Transport {
	t := http.DefaultTransport.(*http.Transport).Clone()
	t.DialContext = (&net.Dialer{Timeout: 5 * time.Second, KeepAlive: 30 * time.Second}).DialContext
	t.ResponseHeaderTimeout = 20 * time.Second
	return t
}

// discreet is a client whose answers and errors have no queries in their
// addresses: those that registries redirect to are signed in there.
type discreet struct{ client *auth.Client }

// Do implements oci.Client.
func (d discreet) Do(req *http.Request) (*http.Response, error) {
	resp, err := d.client.Do(req)
	if err != nil {
		return nil, &unreached{err}
	}
	if resp.Request != nil { // what errors about the answer name
		shown := *resp.Request
		shown.URL = withoutQuery(resp.Request.URL)
		resp.Request = &shown
	}
	return resp, nil
}

// unreached is a request without an answer.
type unreached struct{ err error }

func (u *unreached) Error() string {
	if sent, ok := errors.AsType[*url.Error](u.err); ok {
		if address, err := url.Parse(sent.URL); err == nil {
			return fmt.Sprintf("%s %q: %v", strings.ToUpper(sent.Op), withoutQuery(address), sent.Err)
		}
		return sent.Err.Error()
	}
	return u.err.Error()
}

func (u *unreached) Unwrap() error { return u.err }

func withoutQuery(address *url.URL) *url.URL {
	return &url.URL{Scheme: address.Scheme, Host: address.Host, Path: address.Path}
}

// inVain reports whether a registry has answered that it does not have
// something, or not as it should be, so that nothing is gained by asking again.
func inVain(err error) bool {
	if answer, ok := errors.AsType[*errcode.ErrorResponse](err); ok {
		return answer.StatusCode == http.StatusNotFound || answer.StatusCode == http.StatusBadRequest
	}
	return errors.Is(err, errdef.ErrNotFound) || errors.Is(err, content.ErrMismatchedDigest) || errors.Is(err, content.ErrTrailingData) ||
		errors.Is(err, errUnfit)
}

// errUnfit is what a registry has under a name that something else should have.
var errUnfit = errors.New("not what it should be")

// blob is some bytes and what they are.
type blob struct {
	ocispec.Descriptor
	data []byte
}

// What a registry may have a node keep in its memory, whoever writes to it.
const (
	maxTags      = 1_000_000
	maxReferrers = 100 // of an image; each is fetched
)

// tags lists the tags of the repository; an empty one is not there yet.
func (r *remote) tags(ctx context.Context) (tags []string, err error) {
	err = r.repo.Tags(ctx, "", func(page []string) error {
		if tags = append(tags, page...); len(tags) > maxTags {
			return fmt.Errorf("the repository has more than %d tags: %w", maxTags, errUnfit)
		}
		return nil
	})
	if answer, ok := errors.AsType[*errcode.ErrorResponse](err); ok && answer.StatusCode == http.StatusNotFound && len(answer.Errors) > 0 {
		return nil, nil
	}
	return tags, err
}

// tagged fetches a manifest by its tag or its digest.
func (r *remote) tagged(ctx context.Context, reference string) (blob, error) {
	manifest, body, err := r.repo.Manifests().FetchReference(ctx, reference)
	if err != nil {
		return blob{}, err
	}
	defer body.Close()
	if manifest.Size > maxManifest {
		return blob{}, fmt.Errorf("the manifest %s has %d bytes: %w", reference, manifest.Size, errUnfit)
	}
	data, err := content.ReadAll(body, manifest)
	if err != nil {
		return blob{}, err
	}
	if manifest.MediaType != ocispec.MediaTypeImageManifest {
		return blob{}, fmt.Errorf("%s is of type %s: %w", reference, manifest.MediaType, errUnfit)
	}
	return blob{content.NewDescriptorFromBytes(manifest.MediaType, data), data}, nil
}

// fetch fetches a blob of a size that is known to be reasonable.
func (r *remote) fetch(ctx context.Context, part ocispec.Descriptor) ([]byte, error) {
	body, err := r.repo.Fetch(ctx, part)
	if err != nil {
		return nil, err
	}
	defer body.Close()
	data, err := content.ReadAll(body, part)
	if err == nil {
		_, err = io.Copy(io.Discard, io.LimitReader(body, 1)) // the connection is used again
	}
	return data, err
}

// send stores a blob unless it is there. A manifest is small, and stored again,
// in case what it refers to has lost sight of it.
func (r *remote) send(ctx context.Context, part blob) error {
	if part.MediaType != ocispec.MediaTypeImageManifest {
		if there, err := r.repo.Exists(ctx, part.Descriptor); err != nil || there {
			return err
		}
	}
	return r.repo.Push(ctx, part.Descriptor, bytes.NewReader(part.data))
}

// tag stores a manifest under a tag.
func (r *remote) tag(ctx context.Context, manifest blob, tag string) error {
	return r.repo.Manifests().PushReference(ctx, manifest.Descriptor, bytes.NewReader(manifest.data), tag)
}
