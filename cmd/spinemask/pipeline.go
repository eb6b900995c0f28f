package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/spinemask/spinemask"
	"github.com/spinemask/spinemask/export"
	"github.com/spinemask/spinemask/internal/core/imageio"
	"github.com/spinemask/spinemask/tile"
)

// An item is an image on its way: read, then segmented or classified, then written.
type item struct {
	job
	photo  *imageio.Image
	seen   tile.Seen
	result *spinemask.Result
	err    error // of this image alone

	scaling *imageio.Scaling // to 8 bits; nil: it had no more
	closer  bool             // shown in tiles, larger than as a whole, because of --diameter large
	shrunk  float64          // by this factor in the model's input, where nobody asked for that; 0: not known

	classes       []spinemask.Class // of a classifier
	width, height int               // of the photo, which is gone
	took          time.Duration

	picture *export.Picture
	stop    error         // of writing, or of the whole run
	done    chan struct{} // closed when all this is known
}

// A sink takes what was found.
type sink interface {
	files(item) error // writes what belongs to an image alone; several at once, in any order
	add(item) error   // the rest, one at a time, in the order of the images
	fail(job, error) error
}

// segment runs the jobs, and records them in their order. An error of an image is recorded; an error of writing, and ctx, end the run.
func (f *segmentFlags) segment(ctx context.Context, t *talk, model *spinemask.Model, jobs []job, out sink) error {
	return inOrder(ctx, f.atOnce+1, jobs, func(ctx context.Context, it *item) { f.do(ctx, model, it, out) }, func(it item) error { return f.record(t, it, out) })
}

// inOrder does the work on images, of which so many are under way at once: one more than there are workers, for while one is read or written, the network works
// on others. It records them in their order, one at a time; the first error of that ends it, and is returned.
func inOrder(ctx context.Context, underWay int, jobs []job, do func(context.Context, *item), record func(item) error) error {
	ctx, cancel := context.WithCancel(ctx)
	var all sync.WaitGroup
	defer all.Wait()
	defer cancel()
	work := make(chan *item)
	ordered := make(chan *item, underWay)
	all.Go(func() {
		defer close(work)
		defer close(ordered)
		for _, j := range jobs {
			it := &item{job: j, done: make(chan struct{})}
			ordered <- it
			select {
			case work <- it:
			case <-ctx.Done():
				it.stop = ctx.Err()
				close(it.done)
				return
			}
		}
	})
	for range underWay {
		all.Go(func() {
			for it := range work {
				do(ctx, it)
				close(it.done)
			}
		})
	}
	var stopped error
	for it := range ordered {
		<-it.done
		if stopped == nil {
			if stopped = record(*it); stopped != nil {
				cancel() // and let the others end
			}
		}
	}
	return stopped
}

// do is the work on an image up to its files.
func (f *segmentFlags) do(ctx context.Context, model *spinemask.Model, it *item, out sink) {
	if it.stop = ctx.Err(); it.stop != nil {
		return
	}
	if f.out != "-" && it.err == nil {
		it.source.SHA256 = it.hash() // before it is read: if it is replaced in between, a resumed run looks at it again
	}
	if it.photo, it.err = it.read(); it.err != nil {
		return
	}
	it.result, it.seen, it.err = f.find(ctx, model, it.photo)
	if it.stop = ctx.Err(); it.stop != nil || it.err != nil {
		return
	}
	it.picture = export.NewPicture(f.image(it), it.result, f.classes)
	if f.noOverlap {
		it.picture.RemoveOverlap()
	}
	it.picture.Photo = it.photo
	if it.err = it.picture.Measure(); it.err != nil {
		return
	}
	it.scaling = it.photo.Scaling
	it.closer = f.diameter == diameterLarge && it.seen.Scale*shrinking(&model.Config().Input, it.photo) > 1
	if f.cut.Size == 0 && !f.looks() {
		it.shrunk = shrinking(&model.Config().Input, it.photo)
	}
	it.stop = out.files(*it)
	it.photo, it.picture.Photo = nil, nil // what waits for its turn is small
}

// image describes an image in the results.
func (f *segmentFlags) image(it *item) export.Image {
	im := export.Image{ID: it.id, FileName: it.name, Width: it.result.Width, Height: it.result.Height, Selection: it.selection, PixelSize: it.photo.PixelSize}
	im.ObjectDiameter, im.Scale = it.seen.Diameter, it.seen.Scale
	if f.pixelSize > 0 {
		im.PixelSize = [2]float64{f.pixelSize, f.pixelSize}
	}
	if it.photo.Scaling != nil {
		im.Brightness = it.photo.Scaling.String()
	}
	return im
}

// record takes what became of an image, in its turn.
func (f *segmentFlags) record(t *talk, it item, out sink) error {
	if it.stop != nil {
		return it.stop
	}
	if it.err != nil {
		t.failed(it)
		if err := out.fail(it.job, it.err); err != nil {
			return err
		}
	} else {
		if f.diameter == diameterAuto {
			t.say("%s: %s", it.name, sightOf(it.seen))
		} else if it.seen.Scale != 0 {
			t.detail("%s: %s", it.name, sightOf(it.seen))
		}
		t.detail("%s: %s", it.name, findings(it.result))
		f.remarks.add(&it)
		if err := out.add(it); err != nil {
			return err
		}
	}
	t.bar.Add(1)
	return nil
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

// folderSink writes to the output folder, and lines beside it if those are wanted.
type folderSink struct {
	*output
	flags *segmentFlags
	lines *export.JSONL // nil: none
}

func (s *folderSink) files(it item) error { return s.output.files(it.picture, it.path) }

func (s *folderSink) add(it item) error {
	if err := s.journal.Add(it.picture, it.source); err != nil || s.lines == nil {
		return err
	}
	return s.lines.Add(it.picture)
}

func (s *folderSink) fail(j job, err error) error {
	if err := s.forget(j.id, j.name); err != nil {
		return err
	}
	if err := s.journal.Fail(j.id, err.Error()); err != nil || s.lines == nil {
		return err
	}
	return s.lines.Fail(j.id, export.Failure{FileName: j.name, Error: err.Error()})
}

// streamSink writes lines to standard output.
type streamSink struct {
	lines    *export.JSONL
	failures int
}

func (s *streamSink) files(item) error { return nil }

func (s *streamSink) add(it item) error { return s.lines.Add(it.picture) }

func (s *streamSink) fail(j job, err error) error {
	s.failures++
	return s.lines.Fail(j.id, export.Failure{FileName: j.name, Error: err.Error()})
}

// stream is a run without an output folder.
func (f *segmentFlags) stream(ctx context.Context, t *talk, model *spinemask.Model, inputs []input, stdout io.Writer) error {
	if f.resume {
		return errors.New("--resume needs an output folder")
	}
	jobs, err := f.jobs(inputs)
	if err != nil {
		return err
	}
	s := &streamSink{lines: export.NewJSONL(stdout)}
	err = f.segment(ctx, t, model, jobs, s)
	t.sayRemarks(&f.remarks, f.rule, model.Config())
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

// jobs gives ids to the images of a run without a folder.
func (f *segmentFlags) jobs(inputs []input) ([]job, error) {
	plan, err := f.plan(inputs, nil)
	if err != nil {
		return nil, err
	}
	jobs := make([]job, len(inputs))
	for i, in := range inputs {
		jobs[i] = job{in, plan[i].ID}
	}
	return jobs, nil
}

// failed says what is wrong with an image.
func (t *talk) failed(it item) { t.error(hintAt(errors.New(it.name+": "+it.err.Error()), it.err)) }

// read reads an image; its error does not name the file again.
func (j *job) read() (photo *imageio.Image, err error) {
	if err = j.err; err == nil {
		photo, err = j.decode()
	}
	if err != nil {
		text := err.Error()
		for _, known := range []string{"imageio: ", filepath.Base(j.path) + ": ", j.path + ": "} {
			text = strings.TrimPrefix(text, known)
		}
		err = &imageError{text, err}
	}
	return photo, err
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
		return hinted{err, "--max-pixels raises the limit; an image takes 3 bytes of memory a pixel, and up to 8 more while its file is read, more for samples of more than 8 bits"}
	}
	return err
}
