package main

import (
	"context"
	"errors"
	"path/filepath"
	"strings"

	"github.com/spinemask/spinemask"
	"github.com/spinemask/spinemask/internal/imageio"
)

// An item is an image on its way: read, then segmented, then written.
type item struct {
	job
	photo  *imageio.Image
	result *spinemask.Result
	err    error // of this image alone
}

// segment runs the jobs in order. While the network works on one image, the next one is read and the one before is drawn; no more than three are in memory.
// An error of an image is recorded; an error of writing, and ctx, end the run.
func (f *segmentFlags) segment(ctx context.Context, t *talk, model *spinemask.Model, jobs []job, out *output) error {
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
				it.result, it.err = model.Segment(ctx, it.photo)
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
		if it.err != nil {
			out.fail(it.job, it.err)
			t.error(hintAt(errors.New(it.name+": "+it.err.Error()), it.err))
		} else if err := out.add(it.job, it.photo, it.result); err != nil {
			cancel()
			for range found {
			}
			return err
		}
		t.bar.Add(1)
	}
	return ctx.Err()
}

// read reads an image; its error does not name the file again.
func (f *segmentFlags) read(j job) item {
	it := item{job: j, err: j.err}
	if it.err == nil {
		it.photo, it.err = imageio.Open(j.path, imageio.Options{MaxPixels: f.maxPixels, IgnoreOrientation: f.asStored})
	}
	if it.err != nil {
		text := strings.TrimPrefix(it.err.Error(), "imageio: "+filepath.Base(j.path)+": ")
		it.err = &imageError{strings.TrimPrefix(text, j.path+": "), it.err}
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
