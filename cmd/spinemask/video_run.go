package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"os/signal"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/spinemask/spinemask"
	"github.com/spinemask/spinemask/internal/command/video"
)

// run is the whole command: source, model, outputs, frames, summary.
func (f *videoFlags) run(ctx context.Context, t *talk, stdout io.Writer, source video.Source) error {
	out, err := f.output(source)
	if err != nil {
		return err
	}
	backend, err := findBackend(f.backend)
	if err != nil {
		return err
	}
	// Without this, a write to a closed standard output would end the process, with the video unfinished.
	signal.Notify(make(chan os.Signal, 1), syscall.SIGPIPE)
	reading, stop := context.WithCancel(ctx)
	defer stop()
	reader, err := backend.Open(reading, source, func(note string) { t.say("%s: %s", source, note) })
	if ctx.Err() != nil {
		return exit(exitInterrupted)
	}
	if err != nil {
		return err
	}
	info := reader.Info()
	reader = video.Every{Reader: reader, N: f.every}
	newest := (*video.Newest)(nil)
	if f.live || source.IsLive() {
		newest = video.NewNewest(reading, reader, !source.IsLive())
		reader = newest
	}
	defer reader.Close()
	defer stop()

	pictures := math.MaxInt
	if newest != nil {
		pictures = 1 // all threads work on the newest
	}
	model, err := f.open(t, pictures)
	if err != nil {
		return err
	}
	defer model.Close()
	if err := out.notOver(model.Source().Files...); err != nil {
		return err
	}
	if err := out.begin(backend, model, video.Output{Rate: info.Rate / float64(f.every), PixelAspect: info.PixelAspect}, stdout); err != nil {
		return err
	}
	t.detail("%s: frames of %dx%d pixels, %.4g a second, read by %s", source, info.Width, info.Height, info.Rate, backend.About)
	t.showProgress("frames", f.total(info))

	begin := time.Now()
	stopped := f.segment(ctx, t, model, reader, stop, out)
	took := time.Since(begin)
	if err := out.finish(); err != nil {
		return err
	}
	t.say("%d frames, %d instances%s", out.frames, out.instances, frameSpeed(out.frames, took))
	if newest != nil && newest.Dropped() > 0 {
		t.say("%d frames were dropped to keep up", newest.Dropped())
	}
	if len(out.wrote) > 0 {
		t.say("wrote %s", strings.Join(out.wrote, ", "))
	}
	switch {
	case ctx.Err() != nil:
		t.say("interrupted: the files end with the last frame that was finished")
		return exit(exitInterrupted)
	case errors.As(stopped, new(*video.DamagedError)):
		t.error(fmt.Errorf("%s: %w", source, stopped))
		return exit(exitFailures)
	case errors.Is(stopped, syscall.EPIPE):
		return nil // who reads has enough
	}
	return stopped
}

// segment looks at the frames in order. While the network works on one, the next one is read and the one before is drawn and written; no more than two for each
// worker, and two more, are in memory. Before it returns early, it stops the reader.
func (f *videoFlags) segment(ctx context.Context, t *talk, model *spinemask.Model, reader video.Reader, stop func(), out *videoOutput) error {
	var frames queue
	var ended error
	pictures := func(yield func(spinemask.Picture) bool) {
		for n := 0; f.maxFrames == 0 || n < f.maxFrames; n++ {
			frame, err := reader.Next()
			if err != nil {
				ended = err
				return
			}
			frames.push(frame)
			if !yield(spinemask.Picture{Name: fmt.Sprintf("frame %d", frame.Index), Image: frame.Picture}) {
				return
			}
		}
	}
	for result, err := range model.SegmentAll(ctx, pictures) {
		if err == nil {
			frame := frames.pop()
			t.detail("frame %d, %.3f s: %s", frame.Index, frame.Time.Seconds(), findings(result))
			err = out.add(frame, result)
		}
		if err != nil {
			stop()
			return err
		}
		t.bar.Add(1)
	}
	if errors.Is(ended, io.EOF) {
		return nil
	}
	return ended
}

// A queue holds the frames that are under way.
type queue struct {
	mu   sync.Mutex
	list []video.Frame
}

func (q *queue) push(f video.Frame) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.list = append(q.list, f)
}

func (q *queue) pop() video.Frame {
	q.mu.Lock()
	defer q.mu.Unlock()
	f := q.list[0]
	q.list = q.list[1:]
	return f
}

// total is how many frames there are to look at, as far as is known.
func (f *videoFlags) total(info video.Info) int {
	n := (info.Frames + f.every - 1) / f.every
	if f.maxFrames > 0 && (n == 0 || n > f.maxFrames) {
		return f.maxFrames
	}
	return n
}

// frameSpeed says how fast n frames were.
func frameSpeed(n int, took time.Duration) string {
	if n == 0 {
		return ""
	}
	return fmt.Sprintf(", %.2f s (%.1f frames/s)", took.Seconds(), float64(n)/took.Seconds())
}

// findBackend looks for what reads videos, and says how to get it.
func findBackend(name string) (*video.Backend, error) {
	b, err := video.Find(name)
	switch err {
	case video.ErrNoFFmpeg:
		return nil, hinted{err, "install ffmpeg (apt install ffmpeg, brew install ffmpeg), or build spinemask with -tags gocv"}
	case video.ErrNoOpenCV:
		return nil, hinted{err, "build spinemask with -tags gocv, which needs cgo and OpenCV 4.6 (on Debian: libopencv-dev)"}
	}
	return b, err
}
