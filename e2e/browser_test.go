package e2e

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// browser is a real one, with a person in front of it.
type browser struct {
	*testing.T
	ctx context.Context
	url string
}

// newBrowser starts Chromium. Without one the test is skipped on a laptop, and
// fails in CI. A script that fails, or a violated content security policy,
// fails the test.
func newBrowser(t *testing.T, url string) *browser {
	t.Helper()
	path, err := exec.LookPath("chromium")
	if err != nil {
		if os.Getenv("CI") != "" {
			t.Fatal("chromium is not installed, and this is CI")
		}
		t.Skip("chromium is not installed: go tool task test:needs")
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(path), chromedp.NoSandbox, chromedp.DisableGPU, chromedp.WindowSize(1200, 900), chromedp.UserDataDir(t.TempDir()),
		chromedp.Flag("disable-quic", true), chromedp.Flag("disable-component-update", true))
	allocator, stop := chromedp.NewExecAllocator(context.Background(), options...)
	t.Cleanup(stop)
	ctx, stop := chromedp.NewContext(allocator, chromedp.WithErrorf(t.Logf))
	t.Cleanup(stop)
	b := &browser{t, ctx, url}
	exceptions, entries := chromedp.Events(ctx, runtime.ExceptionThrown), chromedp.Events(ctx, log.EntryAdded)
	go func() {
		for event, err := range exceptions {
			if err == nil {
				t.Errorf("a script failed: %s", event.ExceptionDetails.Text)
			}
		}
	}()
	go func() {
		for event, err := range entries {
			// Refused requests, such as a wrong password's, are "network"; advice on
			// password managers is a "recommendation".
			if err == nil && event.Entry.Source != log.EntrySourceNetwork && event.Entry.Source != log.EntrySourceRecommendation {
				t.Errorf("the browser complains: %s: %s", event.Entry.Source, event.Entry.Text)
			}
		}
	}()
	return b
}

// run runs a step, for at most a minute. When it fails, the page as it is then
// is kept as a picture.
func run[T any](b *browser, step chromedp.Action[T]) T {
	b.Helper()
	ctx, stop := context.WithTimeout(b.ctx, time.Minute)
	defer stop()
	result, err := chromedp.Run(ctx, step)
	for err != nil && ctx.Err() == nil && strings.Contains(err.Error(), "(-32000)") {
		// The element was found on a page that has just been left.
		result, err = chromedp.Run(ctx, step)
	}
	if err != nil {
		b.Fatalf("%v\n%s", err, b.picture("failed"))
	}
	return result
}

func (b *browser) open(path string) {
	b.Helper()
	run(b, chromedp.Navigate(b.url+path))
}

// fill types into the field with a name.
func (b *browser) fill(name, text string) {
	b.Helper()
	run(b, chromedp.SetValue(chromedp.CSS(fmt.Sprintf("[name=%q]", name)), text))
}

// choose puts a file into the page's file field.
func (b *browser) choose(file string) {
	b.Helper()
	run(b, chromedp.SetUploadFiles(chromedp.CSS("input[type=file]"), []string{file}))
}

// press presses a button, or follows a link.
func (b *browser) press(label string) {
	b.Helper()
	b.until("no button or link "+label, fmt.Sprintf(`(() => {
		const found = [...document.querySelectorAll("button, a, summary")].find(e => e.innerText.trim() === %q && e.checkVisibility());
		if (found) found.click();
		return !!found;
	})()`, label))
}

// sees waits until a text is on the page.
func (b *browser) sees(text string) {
	b.Helper()
	b.until("nowhere: "+text, fmt.Sprintf(`document.body.innerText.includes(%q)`, text))
}

// until asks the page until an expression is true, for at most a minute. While
// one page goes and the next comes there is none to ask.
func (b *browser) until(failure, expression string) {
	b.Helper()
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); {
		if ok, err := chromedp.Run(b.ctx, chromedp.Evaluate[bool](expression)); err == nil && ok {
			return
		}
	}
	b.Fatalf("%s\n%s", failure, b.picture("failed"))
}

// count returns how many elements match.
func (b *browser) count(selector string) int {
	b.Helper()
	return run(b, chromedp.Evaluate[int](fmt.Sprintf("document.querySelectorAll(%q).length", selector)))
}

// address is where the browser is.
func (b *browser) address() string {
	b.Helper()
	return run(b, chromedp.Location())
}

// picture keeps a screenshot and says where.
func (b *browser) picture(name string) string {
	dir := os.Getenv("CARREL_PICTURES")
	if dir == "" {
		return "set CARREL_PICTURES to a folder to keep a picture"
	}
	ctx, stop := context.WithTimeout(b.ctx, 10*time.Second)
	defer stop()
	png, err := chromedp.Run(ctx, chromedp.FullScreenshot(100))
	if err != nil {
		return err.Error()
	}
	path := filepath.Join(dir, b.Name()+"-"+name+".png")
	if err := os.WriteFile(path, png, 0o600); err != nil {
		return err.Error()
	}
	return path
}
