package video

import (
	"errors"
	"fmt"
	"image"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// Output says how a video is written.
type Output struct {
	Rate        float64 // frames a second; 0 means 25
	PixelAspect Aspect  // stored in the file by backends that can
	Comment     string  // stored in the file by backends that can
}

// defaultRate is used where a source does not tell its own.
const defaultRate = 25

// longestStill bounds how long one picture is shown. Beyond, a camera has stood still, or the clock of the source has jumped.
const longestStill = 10 * time.Second

// A File is a video on its way: an mp4 with H.264 where the backend has an encoder for that, with MPEG-4 otherwise. It has its name when it is complete.
type File struct {
	path, temporary string
	encoder         encoder
	rate            float64

	count int           // pictures in the file
	start time.Duration // of the video, by the source's clock
	last  *image.RGBA
}

// Create begins a video of width × height pixels, and its folder if there is none. A side that is odd becomes one pixel longer, as H.264 wants it.
func (b *Backend) Create(path string, width, height int, o Output) (*File, error) {
	if !(o.Rate > 0) {
		o.Rate = defaultRate
	}
	folder, name := filepath.Dir(path), filepath.Base(path)
	ext := filepath.Ext(name)
	// OpenCV knows the format by the extension, so that stays.
	f := &File{path: path, rate: o.Rate, temporary: filepath.Join(folder, fmt.Sprintf(".%s.%d.tmp%s", strings.TrimSuffix(name, ext), os.Getpid(), ext))}
	if err := os.MkdirAll(folder, 0o777); err != nil {
		return nil, f.explain(err)
	}
	// Where nothing can be written, the system says it better than an encoder.
	t, err := os.OpenFile(f.temporary, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o666)
	if err != nil {
		return nil, f.explain(err)
	}
	t.Close()
	if f.encoder, err = b.create(f.temporary, width, height, o); err != nil {
		os.Remove(f.temporary)
		return nil, f.explain(err)
	}
	return f, nil
}

// Write adds a picture that is shown from a time of the source on. It is repeated until the next one, so that the video has the speed of the source where
// frames were dropped, or came at uneven times. No picture is left out.
func (f *File) Write(m *image.RGBA, at time.Duration) error {
	if f.count == 0 {
		f.start = at
	}
	if gap := at - f.start - f.end(); gap > longestStill {
		f.start += gap - longestStill
	}
	for f.count > 0 && f.count < int(math.Round((at-f.start).Seconds()*f.rate)) {
		if err := f.add(f.last); err != nil {
			return err
		}
	}
	f.last = m
	return f.add(m)
}

// end is how long the video is.
func (f *File) end() time.Duration {
	return time.Duration(float64(f.count) / f.rate * float64(time.Second))
}

func (f *File) add(m *image.RGBA) error {
	if err := f.encoder.write(m); err != nil {
		return f.explain(err)
	}
	f.count++
	return nil
}

// Commit completes the video and gives it its name. Without a picture, or after an error, there is no file.
func (f *File) Commit() error {
	if f.count == 0 {
		f.Discard()
		return nil
	}
	err := f.encoder.finish()
	if err == nil {
		err = flush(f.temporary)
	}
	if err == nil {
		err = os.Rename(f.temporary, f.path)
	}
	if err != nil {
		os.Remove(f.temporary)
		return f.explain(err)
	}
	return nil
}

// Discard removes what has been written.
func (f *File) Discard() {
	f.encoder.abort()
	os.Remove(f.temporary)
}

// flush forces a file to the disk, before it gets the name of another one.
func flush(path string) error {
	t, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	defer t.Close()
	return t.Sync()
}

// explain names the file that was meant instead of the temporary one.
func (f *File) explain(err error) error {
	if pe := (*fs.PathError)(nil); errors.As(err, &pe) {
		err = pe.Err
	}
	if le := (*os.LinkError)(nil); errors.As(err, &le) {
		err = le.Err
	}
	return fmt.Errorf("video: %s: %w", f.path, err)
}
