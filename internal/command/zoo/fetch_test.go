package zoo

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// contents is a file of size bytes that compresses badly; another seed is another file.
func contents(size int, seed byte) ([]byte, string) {
	b := make([]byte, size)
	rand.NewChaCha8([32]byte{seed}).Read(b)
	sum := sha256.Sum256(b)
	return b, hex.EncodeToString(sum[:])
}

// A server answers the n-th request, counted from 0, with handlers[n], the last of them again and again, and keeps the
// Range headers that it saw.
type server struct {
	*httptest.Server
	sync.Mutex
	ranges []string
}

func serve(t *testing.T, handlers ...http.HandlerFunc) *server {
	s := &server{}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.Lock()
		n := min(len(s.ranges), len(handlers)-1)
		s.ranges = append(s.ranges, r.Header.Get("Range"))
		s.Unlock()
		handlers[n](w, r)
	}))
	t.Cleanup(s.Close)
	return s
}

// whole serves a file as a good server does, with ranges and an ETag.
func whole(b []byte, etag string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("ETag", etag)
		http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(b))
	}
}

// cut announces all that is left of a file and ends the connection in the middle of it.
func cut(b []byte, etag string, n int) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		from := 0
		fmt.Sscanf(r.Header.Get("Range"), "bytes=%d-", &from)
		w.Header().Set("ETag", etag)
		w.Header().Set("Content-Length", fmt.Sprint(len(b)-from))
		if from > 0 {
			w.Header().Set("Content-Range", fmt.Sprintf("bytes %d-%d/%d", from, len(b)-1, len(b)))
			w.WriteHeader(http.StatusPartialContent)
		}
		w.Write(b[from : from+n])
		w.(http.Flusher).Flush()
		panic(http.ErrAbortHandler)
	}
}

// stall sends the first n bytes and then nothing.
func stall(b []byte, etag string, n int) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("ETag", etag)
		w.Header().Set("Content-Length", fmt.Sprint(len(b)))
		w.Write(b[:n])
		w.(http.Flusher).Flush()
		<-r.Context().Done()
	}
}

func status(code int) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "no", code) }
}

func download(t *testing.T, url string) Download {
	return Download{URL: url, Path: filepath.Join(t.TempDir(), "cache", "model.bin"), idle: 200 * time.Millisecond, pause: time.Millisecond}
}

// requireOnly wants the file with those bytes and nothing else in its folder.
func requireOnly(t *testing.T, path string, want []byte) {
	t.Helper()
	got, err := os.ReadFile(path)
	require.NoError(t, err)
	require.True(t, bytes.Equal(want, got), "bytes differ")
	entries, err := os.ReadDir(filepath.Dir(path))
	require.NoError(t, err)
	require.Len(t, entries, 1)
}

func TestAFileArrivesWhateverTheServerDoes(t *testing.T) {
	file, sum := contents(1_000_000, 1)
	old, _ := contents(900_000, 2)
	noRange := func(w http.ResponseWriter, _ *http.Request) { // knows no ranges
		w.Header().Set("ETag", `"a"`)
		w.Header().Set("Content-Length", fmt.Sprint(len(file)))
		w.Write(file)
	}
	noLength := func(w http.ResponseWriter, _ *http.Request) {
		w.Write(file[:500])
		w.(http.Flusher).Flush()
		w.Write(file[500:])
	}
	noIfRange := func(w http.ResponseWriter, r *http.Request) { // goes on whatever the part is of
		r.Header.Del("If-Range")
		whole(file, `"a"`)(w, r)
	}
	for name, c := range map[string]struct {
		handlers []http.HandlerFunc
		ranges   []string
	}{
		"good":                    {[]http.HandlerFunc{whole(file, `"a"`)}, []string{""}},
		"no length":               {[]http.HandlerFunc{noLength}, []string{""}},
		"cut":                     {[]http.HandlerFunc{cut(file, `"a"`, 1000), whole(file, `"a"`)}, []string{"", "bytes=1000-"}},
		"cut again and again":     {[]http.HandlerFunc{cut(file, `"a"`, 1000), cut(file, `"a"`, 1000), cut(file, `"a"`, 1), cut(file, `"a"`, 1), cut(file, `"a"`, 1), whole(file, `"a"`)}, []string{"", "bytes=1000-", "bytes=2000-", "bytes=2001-", "bytes=2002-", "bytes=2003-"}},
		"stalls":                  {[]http.HandlerFunc{stall(file, `"a"`, 4000), whole(file, `"a"`)}, []string{"", "bytes=4000-"}},
		"cut, ignores ranges":     {[]http.HandlerFunc{cut(file, `"a"`, 1000), noRange}, []string{"", "bytes=1000-"}},
		"changes in between":      {[]http.HandlerFunc{cut(old, `"old"`, 1000), whole(file, `"a"`)}, []string{"", "bytes=1000-"}},
		"changes, no If-Range":    {[]http.HandlerFunc{cut(old, `"old"`, 1000), noIfRange}, []string{"", "bytes=1000-", ""}},
		"weak ETag":               {[]http.HandlerFunc{cut(old, `W/"a"`, 1000), whole(file, `W/"a"`)}, []string{"", ""}},
		"busy":                    {[]http.HandlerFunc{status(503), status(503), whole(file, `"a"`)}, []string{"", "", ""}},
		"part longer than a file": {[]http.HandlerFunc{cut(append(file, file...), `"a"`, 1_500_000), whole(file, `"a"`)}, []string{"", "bytes=1500000-", ""}},
	} {
		t.Run(name, func(t *testing.T) {
			s := serve(t, c.handlers...)
			d := download(t, s.URL)
			d.SHA256 = strings.ToUpper(sum[:8])
			got, err := d.Fetch(t.Context())
			require.NoError(t, err)
			require.Equal(t, sum, got)
			require.Equal(t, c.ranges, s.ranges)
			requireOnly(t, d.Path, file)
		})
	}
}

func TestALaterRunGoesOn(t *testing.T) {
	file, sum := contents(1_000_000, 1)
	s := serve(t, cut(file, `"a"`, 400_000), status(404), whole(file, `"a"`))
	d := download(t, s.URL)
	_, err := d.Fetch(t.Context())
	require.ErrorContains(t, err, "404")
	require.NoFileExists(t, d.Path)
	var left []int64
	d.Progress = func(done, total int64) {
		if done == 0 {
			left = append(left, total)
		}
	}
	got, err := d.Fetch(t.Context())
	require.NoError(t, err)
	require.Equal(t, sum, got)
	require.Equal(t, []string{"", "bytes=400000-", "bytes=400000-"}, s.ranges)
	require.Equal(t, []int64{600_000}, left)
	requireOnly(t, d.Path, file)
}

// A run that ended between the last byte and the rename leaves a whole part.
func TestAWholePartIsNotFetchedAgain(t *testing.T) {
	file, sum := contents(1000, 1)
	s := serve(t, whole(file, `"a"`))
	d := download(t, s.URL)
	require.NoError(t, os.MkdirAll(filepath.Dir(d.Path), 0o777))
	require.NoError(t, os.WriteFile(d.Path+".part", file, 0o666))
	require.NoError(t, os.WriteFile(d.Path+".part.id", []byte(`"a"`), 0o666))
	d.Progress = func(int64, int64) { t.Error("bytes came") }
	got, err := d.Fetch(t.Context())
	require.NoError(t, err)
	require.Equal(t, sum, got)
	requireOnly(t, d.Path, file)
}

func TestAWrongFileLeavesTheOldOne(t *testing.T) {
	file, sum := contents(1<<20, 1)
	spoiled := bytes.Clone(file)
	spoiled[777] ^= 1
	for name, c := range map[string]struct {
		handler http.HandlerFunc
		want    Download
		message string
	}{
		"corrupt":    {whole(spoiled, `"a"`), Download{SHA256: sum}, "sha256 "},
		"prefix":     {whole(spoiled, `"a"`), Download{SHA256: sum[:8]}, "want " + sum[:8]},
		"other size": {whole(file[:len(file)-1000], `"a"`), Download{MiB: 1}, "1047576 bytes, want 1.000 MiB"},
		"cut upload": {whole(file, `"a"`), Download{Cut: 1 << 20}, "cut short"},
		"other size, not announced": {func(w http.ResponseWriter, _ *http.Request) {
			w.(http.Flusher).Flush()
			w.Write(file[1000:])
		}, Download{MiB: 1}, "1047576 bytes, want 1.000 MiB"},
	} {
		t.Run(name, func(t *testing.T) {
			s := serve(t, c.handler)
			d := download(t, s.URL)
			d.SHA256, d.MiB, d.Cut = c.want.SHA256, c.want.MiB, c.want.Cut
			require.NoError(t, os.MkdirAll(filepath.Dir(d.Path), 0o777))
			require.NoError(t, os.WriteFile(d.Path, []byte("old"), 0o666))
			_, err := d.Fetch(t.Context())
			require.ErrorIs(t, err, ErrWrongFile)
			require.ErrorContains(t, err, c.message)
			require.Len(t, s.ranges, 1)
			requireOnly(t, d.Path, []byte("old"))
		})
	}
}

func TestFetchGivesUp(t *testing.T) {
	file, _ := contents(100_000, 1)
	down := httptest.NewServer(status(200))
	down.Close()
	var hops *httptest.Server
	hops = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		left := 0
		fmt.Sscanf(r.URL.Path, "/%d", &left)
		if left == 0 {
			w.Write(file)
			return
		}
		http.Redirect(w, r, fmt.Sprintf("%s/%d", hops.URL, left-1), http.StatusFound)
	}))
	defer hops.Close()
	toFile := serve(t, func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "file:///etc/passwd", http.StatusFound)
	})
	packed := func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Encoding", "gzip")
		w.Write(file)
	}
	big := func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", fmt.Sprint(int64(maxSize)+1))
	}
	for name, c := range map[string]struct {
		url     string
		message string
	}{
		"nobody there":         {down.URL, "refused"},
		"not found":            {serve(t, status(404)).URL, "404 Not Found"},
		"too many redirects":   {hops.URL + "/4", "more than 3 redirects"},
		"redirect to a file":   {toFile.URL, "want a link that starts with http:// or https://"},
		"not the web":          {"ftp://example.com/x", "want a link that starts with http:// or https://"},
		"no host":              {"https:///x", "want a link"},
		"stalls for ever":      {serve(t, stall(file, `"a"`, 0)).URL, "nothing came from the server"},
		"packed":               {serve(t, packed).URL, "packed the file once more (gzip)"},
		"endless":              {serve(t, big).URL, "want at most"},
		"always cut, no range": {serve(t, cut(file, "", 1000)).URL, "broke after 1000 bytes"},
	} {
		t.Run(name, func(t *testing.T) {
			d := download(t, c.url)
			d.idle = 50 * time.Millisecond
			_, err := d.Fetch(t.Context())
			require.ErrorContains(t, err, c.message)
			require.ErrorContains(t, err, c.url)
			require.NoFileExists(t, d.Path)
		})
	}
	d := download(t, hops.URL+"/3")
	_, err := d.Fetch(t.Context())
	require.NoError(t, err)
	requireOnly(t, d.Path, file)
}

func TestCancelKeepsThePart(t *testing.T) {
	file, _ := contents(100_000, 1)
	s := serve(t, stall(file, `"a"`, 5000))
	d := download(t, s.URL)
	d.idle = time.Minute
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	d.Progress = func(done, _ int64) {
		if done == 5000 {
			cancel()
		}
	}
	_, err := d.Fetch(ctx)
	require.ErrorIs(t, err, context.Canceled)
	info, err := os.Stat(d.Path + ".part")
	require.NoError(t, err)
	require.EqualValues(t, 5000, info.Size())
}

// TestOnlyOneFetchesAFile starts many at once: those that come while one is at work are refused, and the file is whole.
func TestOnlyOneFetchesAFile(t *testing.T) {
	data, sum := contents(3_000_000, 7)
	arrived, leave := make(chan struct{}), make(chan struct{})
	s := serve(t, func(w http.ResponseWriter, r *http.Request) {
		close(arrived)
		<-leave
		whole(data, `"a"`)(w, r)
	}, whole(data, `"a"`))
	path := filepath.Join(t.TempDir(), "f")
	first := make(chan error)
	go func() {
		_, err := Download{URL: s.URL, Path: path}.Fetch(context.Background())
		first <- err
	}()
	<-arrived
	for range 3 {
		_, err := Download{URL: s.URL, Path: path}.Fetch(context.Background())
		require.ErrorIs(t, err, ErrBusy)
		require.ErrorContains(t, err, path)
	}
	close(leave)
	require.NoError(t, <-first)
	got, err := Download{SHA256: sum, Path: path}.Check(path)
	require.NoError(t, err)
	require.Equal(t, sum, got)

	var group sync.WaitGroup
	for range 20 { // any order of the rest: each gets the whole file, or is refused
		group.Go(func() {
			if got, err := (Download{URL: s.URL, Path: path}).Fetch(context.Background()); err == nil {
				assert.Equal(t, sum, got)
			} else {
				assert.ErrorIs(t, err, ErrBusy)
			}
		})
	}
	group.Wait()
	entries, err := os.ReadDir(filepath.Dir(path))
	require.NoError(t, err)
	require.Len(t, entries, 1, "nothing but the file is left")
}

func TestRetriesAreTold(t *testing.T) {
	file, _ := contents(1000, 1)
	s := serve(t, status(503), cut(file, `"a"`, 10), whole(file, `"a"`))
	d := download(t, s.URL)
	var told []string
	d.Retry = func(err error, _ time.Duration) { told = append(told, err.Error()) }
	_, err := d.Fetch(t.Context())
	require.NoError(t, err)
	require.Len(t, told, 2)
	require.Contains(t, told[0], "503")
}

func TestTheTable(t *testing.T) {
	docs, err := os.ReadFile("../../../docs/models.md")
	require.NoError(t, err)
	names, files := map[string]bool{}, map[string]bool{}
	for _, m := range Models() {
		require.False(t, names[m.Name] || files[m.File], m.Name)
		names[m.Name], files[m.File] = true, true
		require.True(t, strings.HasPrefix(m.URL, "https://") && strings.HasSuffix(m.File, path.Base(m.URL)), m.URL)
		require.Contains(t, m.File, m.SHA256)
		require.Contains(t, m.File, m.MD5)
		row := regexp.MustCompile("(?m)^\\| `" + m.Name + "` \\|.*$").FindString(string(docs))
		switch {
		case m.Top1 > 0:
			require.Contains(t, row, fmt.Sprintf(" %.1f |", m.Top1))
		case m.MaskAP > 0:
			require.Contains(t, row, fmt.Sprintf(" %.1f | %.1f |", m.BoxAP, m.MaskAP))
		default:
			require.Contains(t, row, fmt.Sprintf(" %.1f |", m.BoxAP))
		}
		require.Contains(t, row, m.Flags)
		require.Contains(t, row, " "+m.Input+" |")
		require.Contains(t, row, " "+m.Licence+" |")
		found, ok := Find(m.Name)
		require.True(t, ok)
		require.Equal(t, m, found)
	}
	_, ok := Find("spinenet-50")
	require.False(t, ok)
	require.True(t, isMiB(185_828_065, 177.219)) // torchvision's v2
	require.False(t, isMiB(185_829_065, 177.219))
}
