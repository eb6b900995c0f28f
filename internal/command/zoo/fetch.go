package zoo

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// A Download is a file to fetch. It grows under the name Path.part, where a later try goes on, and gets its own name when
// its bytes are the right ones; until then a file that had the name before stays. Only one process at a time fetches it.
type Download struct {
	URL    string // http or https
	Path   string
	SHA256 string  // wanted hash or its first digits, hexadecimal; empty: any
	MD5    string  // the same of the MD5
	MiB    float64 // wanted size, to three digits after the point; 0: any
	Cut    int64   // a size that is known to be wrong; 0: none

	Progress func(done, total int64)              // of a connection, bytes; total is −1 if the server does not tell; nil: none
	Retry    func(err error, after time.Duration) // is told why the connection is made anew; nil: none

	idle  time.Duration // give up a connection when nothing comes for so long
	pause time.Duration // before the second try; doubles
}

const (
	idle         = 30 * time.Second
	firstPause   = time.Second
	maxTries     = 3       // in a row that bring nothing new
	maxRedirects = 3       // a link and its mirror, not a chase
	maxSize      = 8 << 30 // the largest published file has less than 2 GB
)

// ErrWrongFile is in errors about a complete file that is not the wanted one.
var ErrWrongFile = errors.New("not the wanted file")

var errStalled = errors.New("nothing came from the server for too long")

// Fetch downloads the file and returns its SHA-256. Connections that break or stall are made anew and go on where they
// ended. After an error the part stays, unless it is complete and wrong.
func (d Download) Fetch(ctx context.Context) (string, error) {
	if d.idle == 0 {
		d.idle, d.pause = idle, firstPause
	}
	if err := os.MkdirAll(filepath.Dir(d.Path), 0o777); err != nil {
		return "", fmt.Errorf("zoo: %w", err)
	}
	release, err := lockFile(d.Path)
	if err != nil {
		return "", fmt.Errorf("zoo: %w", err)
	}
	defer release()
	p, err := openPart(d.Path)
	if err != nil {
		return "", fmt.Errorf("zoo: %w", err)
	}
	defer p.close()
	best := p.size
	for tries, pause := 1, d.pause; ; tries, pause = tries+1, 2*pause {
		err := d.connect(ctx, p)
		if err == nil {
			break
		}
		if p.size > best {
			best, tries, pause = p.size, 1, d.pause
		}
		if ctx.Err() != nil || !retryable(err) || tries == maxTries {
			return "", fmt.Errorf("zoo: %s: %w", d.URL, err)
		}
		if d.Retry != nil {
			d.Retry(err, pause)
		}
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return "", fmt.Errorf("zoo: %s: %w", d.URL, ctx.Err())
		}
	}
	sum, err := d.Check(p.f.Name())
	if err != nil {
		p.remove()
		return "", err
	}
	if err := p.commit(d.Path); err != nil {
		return "", fmt.Errorf("zoo: %w", err)
	}
	return sum, nil
}

// permanent is an error that another try does not change.
type permanent struct{ error }

func (p permanent) Unwrap() error { return p.error }

func retryable(err error) bool { return !errors.As(err, &permanent{}) }

// connect makes one connection and appends to the part what comes; nil means that the file is complete.
func (d Download) connect(ctx context.Context, p *part) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	watch := time.AfterFunc(d.idle, func() { cancel(errStalled) })
	defer watch.Stop()
	err := d.transfer(ctx, p, func() { watch.Reset(d.idle) })
	if err != nil && context.Cause(ctx) == errStalled {
		return errStalled
	}
	return err
}

func (d Download) transfer(ctx context.Context, p *part, alive func()) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, d.URL, nil)
	if err != nil {
		return permanent{err}
	}
	if err := plainWeb(req); err != nil {
		return permanent{err}
	}
	req.Header.Set("Accept-Encoding", "identity") // the bytes of the file, not packed once more
	if p.size > 0 && p.validator != "" {
		req.Header.Set("Range", fmt.Sprintf("bytes=%d-", p.size))
		req.Header.Set("If-Range", p.validator) // all of it if it is another file by now
	}
	client := http.Client{CheckRedirect: func(req *http.Request, via []*http.Request) error {
		if len(via) > maxRedirects {
			return permanent{fmt.Errorf("more than %d redirects", maxRedirects)}
		}
		if via[0].URL.Scheme == "https" && req.URL.Scheme != "https" {
			return permanent{fmt.Errorf("redirect from https to %s", req.URL)}
		}
		if err := plainWeb(req); err != nil {
			return permanent{err}
		}
		return nil
	}}
	resp, err := client.Do(req)
	if ue := (*url.Error)(nil); errors.As(err, &ue) {
		err = ue.Err // the link is in the message already
	}
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if p.complete(resp) {
		return nil
	}
	total, err := p.accept(resp)
	if err != nil {
		return err
	}
	switch {
	case total > maxSize:
		return permanent{fmt.Errorf("%d bytes, want at most %d", total, int64(maxSize))}
	case total == d.Cut && total > 0:
		return permanent{fmt.Errorf("%w: %d bytes, as long as the upload that was cut short", ErrWrongFile, total)}
	case total >= 0 && d.MiB > 0 && !isMiB(total, d.MiB):
		return permanent{fmt.Errorf("%w: %d bytes, want %.3f MiB", ErrWrongFile, total, d.MiB)}
	}
	return d.receive(resp.Body, p, total, alive)
}

// plainWeb refuses links that do not lead to the web.
func plainWeb(req *http.Request) error {
	if s := req.URL.Scheme; s != "http" && s != "https" || req.URL.Host == "" {
		return fmt.Errorf("%q: want a link that starts with http:// or https://", req.URL)
	}
	return nil
}

// receive appends the body to the part, whose final size is total, −1 if that is not known.
func (d Download) receive(body io.Reader, p *part, total int64, alive func()) error {
	begin, left := p.size, int64(-1)
	if total >= 0 {
		left = total - begin
	}
	report := func() {
		if d.Progress != nil {
			d.Progress(p.size-begin, left)
		}
	}
	report()
	buf := make([]byte, 1<<18)
	for {
		n, err := body.Read(buf)
		alive()
		if n > 0 {
			if total >= 0 && p.size+int64(n) > total || p.size+int64(n) > maxSize {
				return permanent{fmt.Errorf("more bytes than the %d that were announced", total)}
			}
			if err := p.write(buf[:n]); err != nil {
				return permanent{err}
			}
			report()
		}
		switch {
		case err == io.EOF && (total < 0 || p.size == total):
			return nil
		case err == io.EOF:
			return fmt.Errorf("the connection ended after %d of %d bytes", p.size, total)
		case err != nil:
			return fmt.Errorf("the connection broke after %d bytes: %w", p.size, err)
		}
	}
}

// Check compares a complete file at path with what is known of the wanted one, and returns its SHA-256.
func (d Download) Check(path string) (string, error) {
	sum, sum5, size, err := hashFile(path)
	switch {
	case err != nil:
		return "", fmt.Errorf("zoo: %w", err)
	case size == d.Cut && size > 0:
		return "", fmt.Errorf("zoo: %s: %w: %d bytes, as long as the upload that was cut short", d.Path, ErrWrongFile, size)
	case d.MiB > 0 && !isMiB(size, d.MiB):
		return "", fmt.Errorf("zoo: %s: %w: %d bytes, want %.3f MiB", d.Path, ErrWrongFile, size, d.MiB)
	case !strings.HasPrefix(sum, strings.ToLower(d.SHA256)):
		return "", fmt.Errorf("zoo: %s: %w: sha256 %s, want %s", d.Path, ErrWrongFile, sum, d.SHA256)
	case !strings.HasPrefix(sum5, strings.ToLower(d.MD5)):
		return "", fmt.Errorf("zoo: %s: %w: md5 %s, want %s", d.Path, ErrWrongFile, sum5, d.MD5)
	}
	return sum, nil
}
