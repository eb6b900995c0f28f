package spinemask

import (
	"context"
	"errors"
	"image"
	"iter"
	"sync"

	"github.com/spinemask/spinemask/internal/core/imageio"
)

// Segment finds the instances of a picture, with a detector; those of a detector
// without masks (config.ModelRetinaNet) have the zero Mask. A classifier finds
// none, and gives an error: see Classify. It waits while all workspaces are
// busy. When ctx is done it returns ctx's error within a fraction of a second.
//
// The picture may come from anywhere; a file's is best read by [OpenImage], which
// turns it upright. An *image.YCbCr, which is what image/jpeg decodes to, is
// converted as libjpeg converts it, because published accuracies were measured so.
func (m *Model) Segment(ctx context.Context, img image.Image) (*Result, error) {
	var r *Result
	err := m.run(ctx, img, func(s *session, pixels *imageio.Image) (err error) {
		r, err = s.segment(ctx, pixels)
		return err
	})
	return r, err
}

// run lends a session for the work on a picture.
func (m *Model) run(ctx context.Context, img image.Image, work func(*session, *imageio.Image) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if img == nil {
		return errors.New("spinemask: no picture: the image is nil")
	}
	pixels := convert(img)
	s, err := m.acquire(ctx)
	if err != nil {
		return err
	}
	defer m.release(s)
	return work(s, pixels)
}

// convert gives 8-bit RGB.
func convert(img image.Image) *imageio.Image {
	if pixels, ok := img.(*imageio.Image); ok {
		return pixels
	}
	return imageio.FromImage(img)
}

// A Picture is one of those that [Model.SegmentAll] takes.
type Picture struct {
	Name  string // for people, as a path: it stands in the result and in errors
	Image image.Image
	Err   error // why there is no Image; it is passed on as a [PictureError]
}

// OpenImages reads files for [Model.SegmentAll], one when the next is wanted,
// each as [OpenImage] does; they are named by their paths.
func OpenImages(o *ImageOptions, paths ...string) iter.Seq[Picture] {
	return func(yield func(Picture) bool) {
		for _, path := range paths {
			img, err := OpenImage(path, o)
			if !yield(Picture{path, img, err}) {
				return
			}
		}
	}
}

// A PictureError is what went wrong with one of many pictures.
type PictureError struct {
	Name string // of the picture
	Err  error
}

func (e *PictureError) Error() string { return e.Name + ": " + e.Err.Error() }
func (e *PictureError) Unwrap() error { return e.Err }

// SegmentAll finds the instances of many pictures and yields a result or an
// error for each, in their order:
//
//	for result, err := range model.SegmentAll(ctx, spinemask.OpenImages(nil, paths...)) {
//
// The result has the name of its picture; an error of a picture, also one that
// came with it, is a [*PictureError] and does not end the sequence. While
// pictures are segmented, as many at once as there are workspaces, the next ones
// are taken from the sequence, on another goroutine: reading and decoding them
// there costs no time of the network. No more than two pictures for each
// workspace are held. When ctx is done its error is the last. After a break no
// goroutine is left, once the sequence of pictures returns from the step that it
// is in.
func (m *Model) SegmentAll(ctx context.Context, pictures iter.Seq[Picture]) iter.Seq2[*Result, error] {
	return func(yield func(*Result, error) bool) {
		var all sync.WaitGroup
		defer all.Wait()
		ctx, stop := context.WithCancel(ctx)
		defer stop()

		work := make(chan *job)
		ordered := make(chan *job, m.options.workspaces())
		all.Go(func() {
			defer close(work)
			defer close(ordered)
			for p := range pictures {
				j := newJob(p)
				if !send(ctx, ordered, j) || !send(ctx, work, j) {
					return
				}
			}
		})
		for range m.options.workspaces() {
			all.Go(func() {
				for j := range work {
					m.do(ctx, j)
				}
			})
		}
		for {
			j, ok := receive(ctx, ordered)
			if ok {
				receive(ctx, j.done)
			}
			switch {
			case ctx.Err() != nil:
				yield(nil, ctx.Err())
				return
			case !ok || !yield(j.result, j.err):
				return
			}
		}
	}
}

// A job is a picture on its way through SegmentAll.
type job struct {
	Picture
	done   chan struct{} // closed when there is a result
	result *Result
	err    error
}

func newJob(p Picture) *job {
	if p.Image != nil {
		p.Image = convert(p.Image)
	}
	return &job{Picture: p, done: make(chan struct{})}
}

func (m *Model) do(ctx context.Context, j *job) {
	defer close(j.done)
	err := j.Err
	if err == nil {
		j.result, err = m.Segment(ctx, j.Image)
	}
	if err != nil {
		j.err = &PictureError{j.Name, err}
		return
	}
	j.result.Name = j.Name
}

// send is false if ctx is done first.
func send[T any](ctx context.Context, c chan<- T, v T) bool {
	select {
	case c <- v:
		return true
	case <-ctx.Done():
		return false
	}
}

// receive is false if c is closed or ctx is done first.
func receive[T any](ctx context.Context, c <-chan T) (T, bool) {
	select {
	case v, ok := <-c:
		return v, ok
	case <-ctx.Done():
		var none T
		return none, false
	}
}
