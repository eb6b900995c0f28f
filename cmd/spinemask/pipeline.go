package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/spinemask/spinemask"
	"github.com/spinemask/spinemask/internal/export"
	"github.com/spinemask/spinemask/internal/imageio"
	"github.com/spinemask/spinemask/internal/tile"
)

// An item is an image on its way: read, then segmented, then written.
type item struct {
	job
	photo  *imageio.Image
	result *spinemask.Result
	err    error // of this image alone
}

// A sink takes what was found.
type sink interface {
	add(item) error
	fail(job, error) error
}

// segment runs the jobs in order. While the network works on one image, the next one is read and the one before is drawn; no more than three are in memory.
// An error of an image is recorded; an error of writing, and ctx, end the run.
func (f *segmentFlags) segment(ctx context.Context, t *talk, model *spinemask.Model, jobs []job, out sink) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	read := make(chan item)
	go func() {
		defer close(read)
		for _, j := range jobs {
			it := f.read(j)
			select {
			case read <- it:
			case <-ctx.Done():
				return
			}
		}
	}()
	found := make(chan item)
	go func() {
		defer close(found)
		for it := range read {
			if it.err == nil {
				it.result, it.err = f.find(ctx, model, it.photo)
			}
			select {
			case found <- it:
			case <-ctx.Done():
				return
			}
		}
	}()
	for it := range found {
		if ctx.Err() != nil {
			continue // let the others end
		}
		var err error
		if it.err != nil {
			err = out.fail(it.job, it.err)
			t.error(hintAt(errors.New(it.name+": "+it.err.Error()), it.err))
		} else {
			err = out.add(it)
			t.detail("%s: %s", it.name, findings(it.result))
		}
		if err != nil {
			cancel()
			for range found {
			}
			return err
		}
		t.bar.Add(1)
	}
	return ctx.Err()
}

// find is the network's work on an image.
func (f *segmentFlags) find(ctx context.Context, model *spinemask.Model, photo *imageio.Image) (*spinemask.Result, error) {
	if f.tile == 0 {
		return model.Segment(ctx, photo)
	}
	one := func(ctx context.Context, m *imageio.Image) (*spinemask.Result, error) { return model.Segment(ctx, m) }
	return tile.Segment(ctx, one, photo, tile.Options{Size: f.tile, Overlap: f.overlap})
}

// findings says what was found in an image, and where the time went.
func findings(r *spinemask.Result) string {
	var stages []string
	total := time.Duration(0)
	for _, s := range r.Stages {
		stages = append(stages, fmt.Sprintf("%s %.0f", s.Name, s.Duration.Seconds()*1000))
		total += s.Duration
	}
	return fmt.Sprintf("%dx%d, %d instances, %.0f ms (%s)", r.Width, r.Height, len(r.Instances), total.Seconds()*1000, strings.Join(stages, ", "))
}

// folderSink writes to the output folder.
type folderSink struct {
	*output
	flags *segmentFlags
}

func (s *folderSink) add(it item) error { return s.output.add(s.flags.picture(it), it.path, it.size) }

func (s *folderSink) fail(j job, err error) error { return s.journal.Fail(j.id, err.Error()) }

// picture is what the files say of an image.
func (f *segmentFlags) picture(it item) *export.Picture {
	p := export.NewPicture(export.Image{ID: it.id, FileName: it.name, Width: it.result.Width, Height: it.result.Height}, it.result, f.classes)
	p.Photo = it.photo
	return p
}

// streamSink writes lines to standard output.
type streamSink struct {
	lines    *export.JSONL
	flags    *segmentFlags
	failures int
}

func (s *streamSink) add(it item) error { return s.lines.Add(s.flags.picture(it)) }

func (s *streamSink) fail(j job, err error) error {
	s.failures++
	return s.lines.Fail(j.id, export.Failure{FileName: j.name, Error: err.Error()})
}

// stream is a run without an output folder.
func (f *segmentFlags) stream(ctx context.Context, t *talk, model *spinemask.Model, inputs []input, stdout io.Writer) error {
	if f.resume {
		return errors.New("--resume needs an output folder")
	}
	plan, err := f.plan(inputs, nil)
	if err != nil {
		return err
	}
	jobs := make([]job, len(inputs))
	for i, in := range inputs {
		jobs[i] = job{in, plan[i].ID}
	}
	s := &streamSink{lines: export.NewJSONL(stdout), flags: f}
	err = f.segment(ctx, t, model, jobs, s)
	switch {
	case ctx.Err() != nil:
		return exit(exitInterrupted)
	case errors.Is(err, syscall.EPIPE):
		return nil // who reads has enough
	case err != nil:
		return err
	case s.failures > 0:
		return exit(exitFailures)
	}
	return nil
}

// read reads an image; its error does not name the file again.
func (f *segmentFlags) read(j job) item {
	it := item{job: j, err: j.err}
	options := imageio.Options{MaxPixels: f.maxPixels, IgnoreOrientation: f.asStored}
	switch {
	case it.err != nil:
	case j.data != nil:
		it.photo, it.err = imageio.Decode(bytes.NewReader(j.data), int64(len(j.data)), options)
	default:
		it.photo, it.err = imageio.Open(j.path, options)
	}
	if it.err != nil {
		text := it.err.Error()
		for _, known := range []string{"imageio: ", filepath.Base(j.path) + ": ", j.path + ": "} {
			text = strings.TrimPrefix(text, known)
		}
		it.err = &imageError{text, it.err}
	}
	return it
}

// imageError says what is wrong with an image in words for people.
type imageError struct {
	text  string
	cause error
}

func (e *imageError) Error() string { return e.text }
func (e *imageError) Unwrap() error { return e.cause }

// hintAt adds advice about the cause of an error.
func hintAt(err, cause error) error {
	if errors.Is(cause, imageio.ErrTooLarge) {
		return hinted{err, "--max-pixels raises the limit"}
	}
	return err
}
