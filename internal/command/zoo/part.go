package zoo

import (
	"crypto/md5"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
)

// A part is the beginning of a file on disk. Beside it, in PATH.part.id, stands the validator that the server gave to the
// file: with another one, or with none, it cannot go on.
type part struct {
	f         *os.File
	size      int64
	validator string // a strong ETag or a Last-Modified; empty: none
}

func openPart(path string) (*part, error) {
	f, err := os.OpenFile(path+".part", os.O_RDWR|os.O_CREATE, 0o666)
	if err != nil {
		return nil, err
	}
	size, err := f.Seek(0, io.SeekEnd)
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	id, _ := os.ReadFile(f.Name() + ".id") // without it the file begins anew
	return &part{f, size, string(id)}, nil
}

// complete says whether the server refused to go on because nothing is left: an earlier run ended before the file had its name.
func (p *part) complete(resp *http.Response) bool {
	return resp.StatusCode == http.StatusRequestedRangeNotSatisfiable && resp.Header.Get("Content-Range") == fmt.Sprintf("bytes */%d", p.size)
}

// accept prepares the part for the body of an answer and returns the size of the whole file, −1 if that is not told.
func (p *part) accept(resp *http.Response) (total int64, err error) {
	if e := resp.Header.Get("Content-Encoding"); e != "" && e != "identity" {
		return 0, permanent{fmt.Errorf("the server packed the file once more (%s)", e)}
	}
	switch resp.StatusCode {
	case http.StatusOK:
		return resp.ContentLength, p.restart(validator(resp.Header))
	case http.StatusPartialContent:
		if v := validator(resp.Header); v != "" && v != p.validator { // a server that does not know If-Range
			return 0, errors.Join(errors.New("the file on the server has changed"), p.restart(""))
		}
		var first, last int64
		whole := ""
		if n, _ := fmt.Sscanf(resp.Header.Get("Content-Range"), "bytes %d-%d/%s", &first, &last, &whole); n != 3 || first != p.size {
			return 0, errors.Join(fmt.Errorf("Content-Range %q, want bytes from %d", resp.Header.Get("Content-Range"), p.size), p.restart(""))
		}
		if _, err := fmt.Sscan(whole, &total); err != nil {
			total = last + 1 // "*"
		}
		return total, nil
	case http.StatusRequestedRangeNotSatisfiable: // the part is as long as the file, or longer
		return 0, errors.Join(fmt.Errorf("%s after %d bytes", resp.Status, p.size), p.restart(""))
	case http.StatusTooManyRequests, http.StatusInternalServerError, http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return 0, fmt.Errorf("the server says %s", resp.Status)
	}
	return 0, permanent{fmt.Errorf("the server says %s", resp.Status)}
}

// validator returns what tells this version of a file from others: If-Range takes no weak ETag (RFC 9110, 13.1.5).
func validator(h http.Header) string {
	if tag := h.Get("ETag"); strings.HasPrefix(tag, `"`) {
		return tag
	}
	return h.Get("Last-Modified")
}

// restart empties the part for a file with the validator.
func (p *part) restart(validator string) error {
	if err := p.f.Truncate(0); err != nil {
		return permanent{err}
	}
	p.size, p.validator = 0, validator
	if err := os.WriteFile(p.f.Name()+".id", []byte(validator), 0o666); err != nil {
		return permanent{err}
	}
	return nil
}

func (p *part) write(b []byte) error {
	n, err := p.f.WriteAt(b, p.size)
	p.size += int64(n)
	return err
}

// commit gives the part its name, after its bytes have reached the disk.
func (p *part) commit(path string) error {
	if err := errors.Join(p.f.Sync(), p.f.Close()); err != nil {
		return err
	}
	if err := os.Rename(path+".part", path); err != nil {
		return err
	}
	os.Remove(path + ".part.id") // means nothing without the part
	return nil
}

func (p *part) remove() {
	p.size = 0
	p.close()
}

// close keeps the part for a later run, if there is something in it.
func (p *part) close() {
	p.f.Close()
	if p.size == 0 {
		os.Remove(p.f.Name())
		os.Remove(p.f.Name() + ".id")
	}
}

// hashFile returns the SHA-256 and the MD5 of a file, hexadecimal, and its size.
func hashFile(path string) (sum, sum5 string, size int64, err error) {
	f, err := os.Open(path)
	if err != nil {
		return "", "", 0, err
	}
	defer f.Close()
	h, h5 := sha256.New(), md5.New()
	size, err = io.Copy(io.MultiWriter(h, h5), f)
	return hex.EncodeToString(h.Sum(nil)), hex.EncodeToString(h5.Sum(nil)), size, err
}
