// Package video reads frames from videos, cameras and streams, and writes pictures as a video.
//
// There are two ways, each a [Backend]: programs of FFmpeg, where they are installed, and OpenCV, where the build has the tag gocv. Files, their names and their
// speed are the same for both: [Create] gives a video its name when it is complete, and keeps it at the speed of its source.
package video

import (
	"context"
	"errors"
	"fmt"
	"image"
	"time"

	"github.com/spinemask/spinemask/internal/core/imageio"
)

// A Frame is one picture of a source.
type Frame struct {
	Index   int           // from 0, counting all frames that the source gave
	Time    time.Duration // since the first frame
	Picture *imageio.Image
}

// Info is what is known of a source from the beginning.
type Info struct {
	Width, Height int     // of every frame, pixels, upright
	Rate          float64 // frames a second; 0 where nobody knows
	PixelAspect   Aspect  // of every frame, upright
	Frames        int     // that the source announces; 0 where nobody knows
}

// An Aspect is the shape of pixels as they are to be shown, which need not be square (sample aspect ratio, SAR). The zero value is square, or unknown.
type Aspect struct{ Width, Height int }

// plausible is 0 for a speed that is none: cameras that do not know theirs say 0, and some streams that of their clock, 90000.
func plausible(rate float64) float64 {
	if rate > 0 && rate <= 1000 {
		return rate
	}
	return 0
}

// A Reader gives frames in order. Its methods are called from one goroutine at a time.
type Reader interface {
	Info() Info
	// Next gives io.EOF after the last frame, and a *[DamagedError] if the source ended before it should.
	Next() (Frame, error)
	Close() error
}

// An encoder writes pictures of one size, one after the other, into a file.
type encoder interface {
	write(*image.RGBA) error
	finish() error // completes the file
	abort()
}

// A Backend is a way to read and write videos.
type Backend struct {
	Name  string
	About string // version, and where it is

	open   func(ctx context.Context, s Source, note func(string)) (Reader, error)
	create func(path string, width, height int, o Output) (encoder, error)
}

// Open begins to read. It waits for the first frame. What the backend has to say of a source that it can read nevertheless goes to note. When ctx is done, Next
// returns an error soon.
func (b *Backend) Open(ctx context.Context, s Source, note func(string)) (Reader, error) {
	r, err := b.open(ctx, s, note)
	if err != nil {
		return nil, fmt.Errorf("video: %s: %w", s, err)
	}
	if i := r.Info(); int64(i.Width)*int64(i.Height) > imageio.DefaultMaxPixels {
		r.Close()
		return nil, fmt.Errorf("video: %s: frames of %dx%d pixels: %w of %d pixels", s, i.Width, i.Height, imageio.ErrTooLarge, imageio.DefaultMaxPixels)
	}
	return r, nil
}

// A DamagedError is the end of a source that should have gone on. The frames before it are good.
type DamagedError struct {
	Frames int    // that were read
	Of     int    // that the source announced; 0: none
	Reason string // of the backend; may be empty
}

func (e *DamagedError) Error() string {
	text := fmt.Sprintf("damaged or cut off: %d frames could be read", e.Frames)
	if e.Of > 0 {
		text = fmt.Sprintf("damaged or cut off: %d of %d frames could be read", e.Frames, e.Of)
	}
	if e.Reason != "" {
		text += ": " + e.Reason
	}
	return text
}

// Errors of [Find], and of sources without a video.
var (
	ErrNoFFmpeg = errors.New("video: no ffmpeg in PATH")
	ErrNoOpenCV = errors.New("video: built without OpenCV")
	errNoVideo  = errors.New("no video in it")
)

// Backends lists what this machine and build have, the one to prefer first.
func Backends() []*Backend {
	var list []*Backend
	if b := openCV(); b != nil {
		list = append(list, b)
	}
	if b := ffmpeg(); b != nil {
		list = append(list, b)
	}
	return list
}

// Names of backends.
const (
	FFmpeg = "ffmpeg"
	OpenCV = "gocv"
)

// Find gives a backend by its name; without one, the one to prefer.
func Find(name string) (*Backend, error) {
	for _, b := range Backends() {
		if name == "" || name == b.Name {
			return b, nil
		}
	}
	switch name {
	case "", FFmpeg:
		return nil, ErrNoFFmpeg
	case OpenCV:
		return nil, ErrNoOpenCV
	}
	return nil, fmt.Errorf("video: no backend %q: want %s or %s", name, FFmpeg, OpenCV)
}
