package testutil

import (
	"html"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

var probed = regexp.MustCompile(`data-out="([^"]*)"`)

// Probe opens a page in chromium and runs a script at its end, which may use what the page's own scripts declare, and sets out.
// It returns out; where chromium is not installed or does not run, the test is skipped.
func Probe(t *testing.T, page, script string) string {
	t.Helper()
	browser, err := exec.LookPath("chromium")
	if err != nil {
		t.Skip("no chromium")
	}
	file := filepath.Join(t.TempDir(), "page.html")
	end := "<script>(async () => { let out;\n" + script + "\ndocument.body.dataset.out = out; })().catch(e => { document.body.dataset.out = e.stack; });</script></html>"
	require.NoError(t, os.WriteFile(file, []byte(strings.Replace(page, "</html>", end, 1)), 0o666))
	dom, err := exec.Command(browser, "--headless", "--no-sandbox", "--disable-gpu", "--virtual-time-budget=60000", "--user-data-dir="+t.TempDir(), "--dump-dom", "file://"+file).Output()
	if err != nil {
		t.Skip("chromium does not run here: ", err)
	}
	out := probed.FindSubmatch(dom)
	require.NotNil(t, out, "the script did not end")
	return html.UnescapeString(string(out[1]))
}
