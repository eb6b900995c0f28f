package video

import (
	"context"
	"errors"
	"image"
	"io"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// recorder is an encoder that remembers pictures by their first byte.
type recorder struct {
	path     string
	pictures []int
	fail     error
}

func (r *recorder) write(m *image.RGBA) error {
	r.pictures = append(r.pictures, int(m.Pix[0]))
	return r.fail
}
func (r *recorder) finish() error { return os.WriteFile(r.path, []byte("video"), 0o666) }
func (r *recorder) abort()        {}

func record(t *testing.T, rate float64) (*File, *recorder, string) {
	r := &recorder{}
	b := &Backend{create: func(path string, _, _ int, _ Output) (encoder, error) { r.path = path; return r, nil }}
	path := filepath.Join(t.TempDir(), "new", "out.mp4")
	f, err := b.Create(path, 2, 2, Output{Rate: rate})
	require.NoError(t, err)
	return f, r, path
}

func picture(n int) *image.RGBA {
	m := image.NewRGBA(image.Rect(0, 0, 2, 2))
	m.Pix[0] = byte(n)
	return m
}

func TestVideoHasTheSpeedOfItsSource(t *testing.T) {
	ms := func(list ...int) []int { return list }
	for name, c := range map[string]struct {
		rate  float64
		times []int // ms
		want  []int // which picture is shown
	}{
		"even":                         {10, ms(0, 100, 200, 300), ms(0, 1, 2, 3)},
		"from any beginning":           {10, ms(7000, 7100), ms(0, 1)},
		"rounded times":                {30, ms(0, 33, 67, 100, 133), ms(0, 1, 2, 3, 4)},
		"dropped frames":               {10, ms(0, 300, 400), ms(0, 0, 0, 1, 2)},
		"a burst is caught up with":    {10, ms(0, 10, 20, 300, 400), ms(0, 1, 2, 3, 4)},
		"ten seconds at most":          {2, ms(0, 3_600_000, 3_600_500), ms(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 2)},
		"a clock that is set backward": {10, ms(5000, 0, 100), ms(0, 1, 2)},
	} {
		t.Run(name, func(t *testing.T) {
			f, r, _ := record(t, c.rate)
			for i, at := range c.times {
				require.NoError(t, f.Write(picture(i), time.Duration(at)*time.Millisecond))
			}
			require.Equal(t, c.want, r.pictures)
		})
	}
}

func TestVideoHasItsNameWhenItIsComplete(t *testing.T) {
	f, _, path := record(t, 10)
	require.NoError(t, f.Write(picture(0), 0))
	require.NoFileExists(t, path)
	require.NoError(t, f.Commit())
	require.FileExists(t, path)
	requireFiles(t, filepath.Dir(path), "out.mp4")

	f, _, path = record(t, 10)
	require.NoError(t, f.Write(picture(0), 0))
	f.Discard()
	requireFiles(t, filepath.Dir(path))

	f, _, path = record(t, 10)
	require.NoError(t, f.Commit(), "a video without pictures is none")
	requireFiles(t, filepath.Dir(path))

	f, r, path := record(t, 10)
	r.fail = errors.New("no space left on device")
	require.EqualError(t, f.Write(picture(0), 0), "video: "+path+": no space left on device")
}

func requireFiles(t *testing.T, dir string, want ...string) {
	entries, err := os.ReadDir(dir)
	require.NoError(t, err)
	var got []string
	for _, e := range entries {
		got = append(got, e.Name())
	}
	require.Equal(t, want, got)
}

func TestWhereNothingCanBeWritten(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "file"), nil, 0o666))
	b := &Backend{create: func(string, int, int, Output) (encoder, error) { return &recorder{}, nil }}
	_, err := b.Create(filepath.Join(dir, "file", "out.mp4"), 2, 2, Output{})
	require.ErrorContains(t, err, "out.mp4: not a directory")
}

// What is written with a backend is read again with it: size, number, times, and colours in their places.
func TestBackendsReadWhatTheyWrite(t *testing.T) {
	if len(Backends()) == 0 {
		t.Skip("no ffmpeg in PATH, and built without OpenCV")
	}
	colours := [][3]byte{{200, 40, 40}, {40, 200, 40}, {40, 40, 200}, {128, 128, 128}, {250, 250, 0}}
	const width, height = 95, 61
	for _, b := range Backends() {
		t.Run(b.Name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "a b%d.mp4")
			f, err := b.Create(path, width, height, Output{Rate: 12.5, Comment: "made by a test"})
			require.NoError(t, err)
			for i, c := range colours {
				m := image.NewRGBA(image.Rect(0, 0, width, height))
				for p := 0; p < len(m.Pix); p += 4 {
					copy(m.Pix[p:], []byte{c[0], c[1], c[2], 255})
					if p/4%width >= 48 { // the right half is darker
						copy(m.Pix[p:], []byte{c[0] / 2, c[1] / 2, c[2] / 2, 255})
					}
				}
				require.NoError(t, f.Write(m, time.Duration(i)*80*time.Millisecond))
			}
			require.NoError(t, f.Commit())
			requireFiles(t, filepath.Dir(path), filepath.Base(path))

			r, err := b.Open(t.Context(), Source{Place: path}, func(s string) { t.Error(s) })
			require.NoError(t, err)
			defer r.Close()
			require.Equal(t, Info{Width: width + 1, Height: height + 1, Rate: 12.5, Frames: len(colours)}, r.Info())
			for i, c := range colours {
				frame, err := r.Next()
				require.NoError(t, err)
				require.Equal(t, i, frame.Index)
				require.InDelta(t, float64(i)*0.08, frame.Time.Seconds(), 1e-3)
				for k := range 3 {
					require.InDelta(t, c[k], frame.Picture.Pix[3*(20*frame.Picture.Width+20)+k], 8, "frame %d, left, channel %d", i, k)
					require.InDelta(t, c[k]/2, frame.Picture.Pix[3*(20*frame.Picture.Width+80)+k], 8, "frame %d, right, channel %d", i, k)
				}
			}
			_, err = r.Next()
			require.EqualError(t, err, "EOF")
			_, err = r.Next()
			require.EqualError(t, err, "EOF", "and again")
		})
	}
}

// A video as phones record it is upright, and its frames have the times that they were taken at.
func TestVideosOfPhones(t *testing.T) {
	for _, b := range Backends() {
		r, err := b.Open(t.Context(), Source{Place: "../../../testdata/video/uneven.mp4"}, func(s string) { t.Error(s) })
		require.NoError(t, err, b.Name)
		require.Equal(t, []int{64, 96, 6}, []int{r.Info().Width, r.Info().Height, r.Info().Frames}, b.Name)
		for i, want := range []float64{0, 0.1, 0.2, 0.5, 0.8, 1.1} {
			f, err := r.Next()
			require.NoError(t, err, b.Name)
			require.InDelta(t, want, f.Time.Seconds(), 1e-3, "%s: frame %d", b.Name, i)
			require.Equal(t, []int{64, 96}, []int{f.Picture.Width, f.Picture.Height}, b.Name)
		}
		_, err = r.Next()
		require.Equal(t, io.EOF, err, b.Name)
		require.NoError(t, r.Close())
	}
}

func TestReadersEndWithTheirContext(t *testing.T) {
	for _, b := range Backends() {
		ctx, cancel := context.WithCancel(t.Context())
		r, err := b.Open(ctx, Source{Place: "../../../testdata/video/pan.mp4"}, func(string) {})
		require.NoError(t, err)
		cancel()
		for err == nil {
			_, err = r.Next()
		}
		require.Equal(t, context.Canceled, err, b.Name)
		require.NoError(t, r.Close())
	}
}

// Pixels that are shown twice as wide as high are so in what is written, too. FFmpeg made the clip, and says 2:1 of it.
func TestPixelAspect(t *testing.T) {
	b, err := Find(FFmpeg)
	if err != nil {
		t.Skip(err)
	}
	open := func(path string) Reader {
		r, err := b.Open(t.Context(), Source{Place: path}, func(s string) { t.Error(s) })
		require.NoError(t, err)
		t.Cleanup(func() { r.Close() })
		return r
	}
	source := open("../../../testdata/video/wide.mp4").Info()
	require.Equal(t, Aspect{2, 1}, source.PixelAspect)
	require.Equal(t, []int{96, 128}, []int{source.Width, source.Height})
	require.Equal(t, Aspect{}, open("../../../testdata/video/pan.mp4").Info().PixelAspect)

	path := filepath.Join(t.TempDir(), "out.mp4")
	f, err := b.Create(path, 96, 128, Output{Rate: 10, PixelAspect: source.PixelAspect})
	require.NoError(t, err)
	require.NoError(t, f.Write(image.NewRGBA(image.Rect(0, 0, 96, 128)), 0))
	require.NoError(t, f.Commit())
	require.Equal(t, source.PixelAspect, open(path).Info().PixelAspect)
}
