package video

import (
	"fmt"
	"net/url"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// A Source is what frames come from.
type Source struct {
	Place    string // a file, or a URL; not of a camera
	IsCamera bool
	Camera   int // its number
}

func (s Source) String() string {
	switch {
	case s.IsCamera:
		return fmt.Sprintf("camera %d", s.Camera)
	case s.IsURL():
		if u, err := url.Parse(s.Place); err == nil {
			return u.Redacted() // cameras have passwords
		}
		return password.ReplaceAllString(s.Place, "${1}xxxxx@")
	}
	return s.Place
}

// password finds that of a URL which cannot be parsed, perhaps because of a % in it.
var password = regexp.MustCompile(`^([^:]+://[^:@]*:).*@`)

var scheme = regexp.MustCompile(`^[a-zA-Z][a-zA-Z0-9+.-]+://`)

// IsURL tells URLs from files.
func (s Source) IsURL() bool { return !s.IsCamera && scheme.MatchString(s.Place) }

// liveSchemes are the protocols of streams that do not wait for who reads.
var liveSchemes = []string{"rtsp", "rtsps", "rtmp", "rtmps", "rtp", "udp", "srt"}

// IsLive says that the source does not wait for who reads: a camera, or a stream of one.
func (s Source) IsLive() bool {
	if s.IsURL() {
		name, _, _ := strings.Cut(s.Place, "://")
		return slices.Contains(liveSchemes, strings.ToLower(name))
	}
	return s.IsCamera
}

// Name is what results call the source: the last part of its path, or something like it.
func (s Source) Name() string {
	switch {
	case s.IsCamera:
		return fmt.Sprintf("camera%d", s.Camera)
	case !s.IsURL():
		return filepath.Base(s.Place)
	}
	u, err := url.Parse(s.Place)
	if err != nil {
		return "stream"
	}
	name := path.Base(u.Path)
	if name == "." || name == "/" {
		name = strings.ReplaceAll(u.Hostname(), ".", "-") // no extension
	}
	if name = unusual.ReplaceAllString(name, "-"); name == "" {
		return "stream"
	}
	return name
}

// Stem is the name without an extension.
func (s Source) Stem() string {
	name := s.Name()
	if stem := strings.TrimSuffix(name, filepath.Ext(name)); stem != "" {
		return stem
	}
	return name
}

// unusual are characters that some file systems do not want in names.
var unusual = regexp.MustCompile(`[^\pL\pN._-]+`)
