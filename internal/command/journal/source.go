package journal

import (
	"crypto/sha256"
	"encoding/hex"
	"io"
	"os"
)

// A Source says which bytes an image was read from, so that a later run can tell
// whether they have changed. Journals of older versions hold the size alone.
type Source struct {
	Bytes    int64  `json:"bytes,omitempty"`    // size of the file
	Modified int64  `json:"modified,omitempty"` // time of the last modification of its content, nanoseconds since 1970
	Changed  int64  `json:"changed,omitempty"`  // time of the last change to the file in any way (Unix: ctime), which no program can set
	SHA256   string `json:"sha256,omitempty"`   // of the content
}

// StatSource gives the Source of a file, without the hash.
func StatSource(path string) (Source, error) {
	st, err := os.Stat(path)
	if err != nil {
		return Source{}, err
	}
	return Source{Bytes: st.Size(), Modified: st.ModTime().UnixNano(), Changed: changeTime(path)}, nil
}

// Hash gives the SHA-256 of a content.
func Hash(content io.Reader) (string, error) {
	h := sha256.New()
	if _, err := io.Copy(h, content); err != nil {
		return "", err
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

// SameAs says whether a file has the content that it had when s was recorded.
// is is what is known of the file now, without reading it; hash gives the SHA-256
// of its content, "" if it cannot be read. It is asked only if the times leave a
// doubt: after the file was touched, copied to another disk, or replaced, whether
// or not by one of the same time.
func (s Source) SameAs(is Source, hash func() string) bool {
	switch {
	case s.Bytes != is.Bytes:
		return false
	case s.SHA256 == "":
		return true // an older journal does not know more
	case s.Modified != 0 && s.Modified == is.Modified && s.Changed == is.Changed:
		return true
	}
	return hash() == s.SHA256
}
