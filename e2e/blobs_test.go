package e2e

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/carrel-dev/carrel/adapters/blob"
	"github.com/carrel-dev/carrel/adapters/blob/s3test"
	"github.com/carrel-dev/carrel/cmd/carrel/app"
)

// keeper is a server with a workspace whose plugin keeps pictures.
type keeper struct {
	*world
	acme    member
	objects string // the folder
}

// newKeeper keeps them in the data folder unless where says otherwise.
func newKeeper(t *testing.T, where string) *keeper {
	k := &keeper{world: newWorldWith(t, func(cfg *app.Config) { cfg.Blobs = where }, "hostile/probe")}
	alice := k.SignUp("alice")
	k.acme = As(alice).In(As(alice).Workspace("acme", "enterprise"))
	k.acme.API("POST", "/installations", body{"plugin": "probe", "grants": k.acme.asked("probe")}).want(201)
	k.objects = filepath.Join(k.dir, "blobs")
	return k
}

// hang keeps a picture, and returns its digest.
func (k *keeper) hang(title string, picture []byte) string {
	k.Helper()
	digest := k.acme.Call("probe", "POST /pictures?title="+title, picture).want(200).text("digest")
	if sum := sha256.Sum256(picture); digest != "sha256:"+hex.EncodeToString(sum[:]) {
		k.Errorf("%s is kept as %s", title, digest)
	}
	return digest
}

func (k *keeper) look(digest string) answer {
	k.Helper()
	return k.acme.Call("probe", "GET /pictures/"+digest, nil)
}

// wantPicture wants to see one.
func (k *keeper) wantPicture(digest string, picture []byte) {
	k.Helper()
	if a := k.look(digest).want(200); !bytes.Equal(a.raw, picture) {
		k.Errorf("of %d bytes of %s, %d come back", len(picture), digest, len(a.raw))
	}
}

// files are the objects in the folder.
func (k *keeper) files() []string {
	k.Helper()
	paths, err := filepath.Glob(filepath.Join(k.objects, "*", "*", "*", "*"))
	if err != nil {
		k.Fatal(err)
	}
	return paths
}

// copyKey puts the key of the server's secrets where it is restored.
func (k *keeper) copyKey(dir string) {
	k.Helper()
	key, err := os.ReadFile(filepath.Join(k.dir, "secret.key"))
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, "secret.key"), key, 0o600)
	}
	if err != nil {
		k.Fatal(err)
	}
}

// TestAPluginKeepsFiles: a plugin puts bytes and gets them, the same after a restart.
// A call that fails keeps nothing, and they go with the plugin's data.
func TestAPluginKeepsFiles(t *testing.T) {
	t.Parallel()
	k := newKeeper(t, "")
	first, second := []byte("a picture \x00\xff"), bytes.Repeat([]byte("large "), 100_000)
	one, two := k.hang("one", first), k.hang("two", second)
	k.acme.Call("probe", "POST /pictures?title=drop", []byte("lost")).want(400)
	lost := sha256.Sum256([]byte("lost"))
	k.look("sha256:" + hex.EncodeToString(lost[:])).want(404)
	k.look("../../secret.key").want(400)
	k.restart()
	k.wantPicture(one, first)
	k.wantPicture(two, second)
	if n := len(k.files()); n != 2 {
		t.Errorf("%d objects of 2 pictures", n)
	}
	used := map[string]any{}
	for _, u := range k.acme.API("GET", "/usage", nil).want(200).list("data") {
		used[u.(map[string]any)["meter"].(string)] = u.(map[string]any)["quantity"]
	}
	if used["core.blobs"] != float64(16<<10+len(second)) {
		t.Errorf("usage says %v", used)
	}
	erased := k.acme.API("DELETE", "/installations/probe?data=erase", nil).want(200)
	if rows := erased.object()["erased"].(map[string]any); rows["blobs"] != 2.0 {
		t.Errorf("erased are %v", rows)
	}
	if left := k.files(); len(left) != 0 {
		t.Errorf("left are %q", left)
	}
}

// TestADeletedWorkspaceKeepsNoFiles.
func TestADeletedWorkspaceKeepsNoFiles(t *testing.T) {
	t.Parallel()
	k := newKeeper(t, "")
	k.hang("one", []byte("a picture"))
	k.acme.API("DELETE", "?slug="+k.acme.workspace, nil).want(204)
	if left, err := os.ReadDir(k.objects); err != nil || len(left) != 0 {
		t.Errorf("left are %v, %v", left, err)
	}
}

// TestFilesInS3: the same in a bucket of S3. While that is away calls that need it
// fail, and no others; nothing is half kept.
func TestFilesInS3(t *testing.T) {
	s3 := s3test.Start(t)
	k := newKeeper(t, s3.URL)
	picture := []byte("a picture")
	digest := k.hang("one", picture)
	k.restart()
	k.wantPicture(digest, picture)
	bucket, err := blob.Open(context.Background(), s3.URL)
	if err != nil {
		t.Fatal(err)
	}
	defer bucket.Close()
	k.acme.Call("probe", "GET /notes", nil).want(200)
	if _, err := os.Stat(k.objects); !os.IsNotExist(err) {
		t.Errorf("the data folder has blobs, too: %v", err)
	}
	if n, err := bucket.DeleteAll(t.Context(), k.acme.API("GET", "", nil).want(200).text("id")+"/"); err != nil || n != 1 {
		t.Errorf("the bucket had %d objects, %v", n, err)
	}
	k.look(digest).want(503)
	k.wantPicture(k.hang("again", picture), picture) // putting it again makes it good
	s3.Stop()
	k.look(digest).want(503)
	k.acme.Call("probe", "POST /pictures?title=unreachable", []byte("x")).want(503)
	k.acme.Call("probe", "POST /notes", body{"title": "written", "label": "l"}).want(201)
	if list := k.acme.Call("probe", "GET /notes", nil).want(200); strings.Contains(string(list.raw), "unreachable") {
		t.Errorf("half of a call is there: %s", list.raw)
	}
}

// TestFault11_ADamagedFileIsNotShown: what isn't the picture any more is shown to
// nobody, and a backup is not made of it.
func TestFault11_ADamagedFileIsNotShown(t *testing.T) {
	t.Parallel()
	k := newKeeper(t, "")
	digest := k.hang("one", []byte("a picture"))
	if err := os.WriteFile(k.files()[0], []byte("a pictüre"), 0o600); err != nil {
		t.Fatal(err)
	}
	if a := k.look(digest).want(503); !strings.Contains(string(a.raw), digest) || strings.Contains(string(a.raw), "pictüre") {
		t.Errorf("told %s", a.raw)
	}
	k.stop()
	at := app.Place{DataDir: k.dir, DatabaseURL: k.db}
	file := filepath.Join(t.TempDir(), "backup.tar")
	none := func(string, int64) {}
	if _, _, err := app.Backup(t.Context(), at, file, app.Without{Registry: true}, none); err == nil || !strings.Contains(err.Error(), "--without-blobs") {
		t.Errorf("a backup of a damaged blob: %v", err)
	}
	if _, _, err := app.Backup(t.Context(), at, file, app.Without{Registry: true, Blobs: true}, none); err != nil {
		t.Fatal(err)
	}
	there := app.Place{DataDir: t.TempDir()} // where nobody has the bytes, it is refused
	k.copyKey(there.DataDir)
	if _, err := app.Restore(t.Context(), there, file, app.Lost{}, none); err == nil || !strings.Contains(err.Error(), "--blobs-are-lost") {
		t.Errorf("a restore without a blob: %v", err)
	}
	if m, err := app.Restore(t.Context(), there, file, app.Lost{Blobs: true}, none); err != nil || m.Rows()["blobs"] != 1 {
		t.Errorf("a restore that gives it up: %v", err)
	}
}

// TestABackupHasTheFiles: files are in a backup and in an export, and where either is
// restored they are shown.
func TestABackupHasTheFiles(t *testing.T) {
	t.Parallel()
	k := newKeeper(t, "")
	picture := bytes.Repeat([]byte("picture "), 10_000)
	digest := k.hang("one", picture)
	k.stop()
	at, none := app.Place{DataDir: k.dir, DatabaseURL: k.db}, func(string, int64) {}
	backup, export := filepath.Join(t.TempDir(), "backup.tar"), filepath.Join(t.TempDir(), "export.tar")
	if _, _, err := app.Backup(t.Context(), at, backup, app.Without{}, none); err != nil {
		t.Fatal(err)
	}
	if _, _, err := app.Export(t.Context(), at, k.acme.workspace, export, none); err != nil {
		t.Fatal(err)
	}
	receipt, err := app.Erase(t.Context(), at, k.acme.workspace, k.acme.workspace)
	if err != nil || receipt.Objects != 1 || receipt.Erased["blobs"] != 1 || len(k.files()) != 0 {
		t.Errorf("erased %+v, %v; left %q", receipt, err, k.files())
	}
	if _, _, _, err := app.RestoreWorkspace(t.Context(), at, export, k.acme.workspace, app.Lost{}, none); err != nil {
		t.Fatal(err)
	}
	k.start()
	k.wantPicture(digest, picture)
	k.stop()

	there := *k
	there.world = &world{T: t, dir: t.TempDir(), configure: k.configure}
	k.copyKey(there.dir)
	if err := os.Symlink(filepath.Join(k.dir, "cache"), filepath.Join(there.dir, "cache")); err != nil { // compiling takes longer than a call may
		t.Fatal(err)
	}
	if _, err := app.Restore(t.Context(), app.Place{DataDir: there.dir}, backup, app.Lost{}, none); err != nil {
		t.Fatal(err)
	}
	there.start()
	there.acme.person = there.acme.person.at(there.world)
	there.wantPicture(digest, picture)
}
