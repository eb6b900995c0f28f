package spinemask_test

import (
	"context"
	"errors"
	"fmt"
	"image"
	"io/fs"
	"iter"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/spinemask/spinemask"
	"github.com/spinemask/spinemask/internal/core/kernels"
	"github.com/spinemask/spinemask/models/nuclei"
)

// Splitting the work never changes the order of a sum, and AVX2 and AVX-512 do
// the same operations. The inputs are not square.
func TestSameBytesForAnyThreadsAndSet(t *testing.T) {
	img := photo(t)
	for name, open := range map[string]func(o spinemask.Options) *spinemask.Model{
		"tiny": func(o spinemask.Options) *spinemask.Model { return tinyModel(t, o) },
		"nuclei": func(o spinemask.Options) *spinemask.Model {
			m, err := nuclei.Open(&o)
			require.NoError(t, err)
			return m
		},
	} {
		t.Run(name, func(t *testing.T) {
			segment := func(o spinemask.Options) *spinemask.Result {
				o.Height, o.Width = 256, 384
				m := open(o)
				defer m.Close()
				r, err := m.Segment(context.Background(), img)
				require.NoError(t, err)
				require.NotEmpty(t, r.Instances)
				return bare(r)
			}
			want := segment(spinemask.Options{})
			for _, threads := range []int{1, 2, 4} {
				require.Equal(t, want, segment(spinemask.Options{Threads: threads}), "%d threads", threads)
			}
			for _, set := range kernels.Sets()[1:] {
				t.Setenv("SPINEMASK_CPU", set.Name)
				require.Equal(t, want, segment(spinemask.Options{}), set.Name)
			}
		})
	}
}

// The first picture of a size, another size, and again: nothing of one picture
// is seen in the next.
func TestPicturesDoNotMix(t *testing.T) {
	m := tinyModel(t, spinemask.Options{})
	pictures := []image.Image{waves(1, 90, 60), waves(2, 60, 90), photo(t), waves(3, 1, 1), waves(1, 90, 60)}
	var first []*spinemask.Result
	for range 2 {
		for i, p := range pictures {
			r, err := m.Segment(context.Background(), p)
			require.NoError(t, err)
			require.Equal(t, []int{p.Bounds().Dy(), p.Bounds().Dx()}, []int{r.Height, r.Width})
			if len(first) < len(pictures) {
				first = append(first, bare(r))
			}
			require.Equal(t, first[i], bare(r), "picture %d", i)
		}
	}
	require.Equal(t, first[0], first[4])
	require.NotEqual(t, first[0].Instances, first[1].Instances)
}

func TestConcurrentCallsAgree(t *testing.T) {
	m := tinyModel(t, spinemask.Options{Threads: 2, Workspaces: 2})
	want := map[int]*spinemask.Result{}
	for i := range 3 {
		r, err := m.Segment(context.Background(), waves(i, 100, 80))
		require.NoError(t, err)
		want[i] = bare(r)
	}
	var all sync.WaitGroup
	for worker := range 4 {
		all.Go(func() {
			for k := range 6 {
				i := (worker + k) % 3
				r, err := m.Segment(context.Background(), waves(i, 100, 80))
				if err != nil {
					t.Error(err)
					return
				}
				if !equalInstances(want[i].Instances, r.Instances) {
					t.Errorf("picture %d differs", i)
				}
			}
		})
	}
	all.Wait()
}

func equalInstances(a, b []spinemask.Instance) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i].Score != b[i].Score || a[i].Box != b[i].Box || a[i].Mask.String() != b[i].Mask.String() {
			return false
		}
	}
	return true
}

// numbered yields n pictures and counts how many were taken.
func numbered(n int, taken *int) iter.Seq[spinemask.Picture] {
	return func(yield func(spinemask.Picture) bool) {
		for i := range n {
			*taken++
			if !yield(spinemask.Picture{Name: fmt.Sprint("wave ", i), Image: waves(i, 64+i, 48)}) {
				return
			}
		}
	}
}

func TestSegmentAllKeepsTheOrder(t *testing.T) {
	for _, workspaces := range []int{1, 3} {
		m := tinyModel(t, spinemask.Options{Workspaces: workspaces})
		taken, n := 0, 0
		for r, err := range m.SegmentAll(context.Background(), numbered(12, &taken)) {
			require.NoError(t, err)
			require.Equal(t, 64+n, r.Width)
			require.Equal(t, fmt.Sprint("wave ", n), r.Name)
			n++
		}
		require.Equal(t, 12, n)
	}
}

func TestSegmentAllGoesOnAfterAFailure(t *testing.T) {
	m := tinyModel(t, spinemask.Options{})
	pictures := func(yield func(spinemask.Picture) bool) {
		_ = yield(spinemask.Picture{Name: "a", Image: waves(0, 64, 64)}) &&
			yield(spinemask.Picture{Name: "b"}) &&
			yield(spinemask.Picture{Name: "c", Image: image.NewRGBA(image.Rect(0, 0, 0, 5))}) &&
			yield(spinemask.Picture{Name: "d", Err: fs.ErrNotExist}) &&
			yield(spinemask.Picture{Name: "e", Image: waves(1, 64, 64)})
	}
	var got []string
	for r, err := range m.SegmentAll(context.Background(), pictures) {
		require.Equal(t, err == nil, r != nil)
		if err == nil {
			got = append(got, r.Name)
			continue
		}
		var pe *spinemask.PictureError
		require.ErrorAs(t, err, &pe)
		got = append(got, "failed "+pe.Name)
		require.Equal(t, pe.Name == "d", errors.Is(err, fs.ErrNotExist))
	}
	require.Equal(t, []string{"a", "failed b", "failed c", "failed d", "e"}, got)
}

func TestOpenImagesNamesWhatItCannotRead(t *testing.T) {
	const good = "testdata/images/c901794d1a421d52.png"
	var got []string
	for p := range spinemask.OpenImages(nil, "testdata/missing.png", good, good) {
		got = append(got, p.Name)
		require.Equal(t, p.Name != good, p.Err != nil)
		require.Equal(t, p.Name == good, p.Image != nil)
		if len(got) == 2 {
			break
		}
	}
	require.Equal(t, []string{"testdata/missing.png", good}, got)
}

func TestSegmentAllLeavesNothingBehind(t *testing.T) {
	m := tinyModel(t, spinemask.Options{Workspaces: 2})
	before := runtime.NumGoroutine()
	taken := 0
	for range m.SegmentAll(context.Background(), numbered(1000, &taken)) {
		break
	}
	require.LessOrEqual(t, taken, 1+2*2+1, "pictures taken ahead")

	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	n, last := 0, error(nil)
	for _, err := range m.SegmentAll(ctx, numbered(1000, &taken)) {
		if n++; n == 3 {
			cancel()
		}
		last = err
	}
	require.ErrorIs(t, last, context.Canceled)
	require.Less(t, n, 20)
	for end := time.Now().Add(time.Second); runtime.NumGoroutine() > before && time.Now().Before(end); {
		time.Sleep(time.Millisecond)
	}
	require.LessOrEqual(t, runtime.NumGoroutine(), before)
}

// patience is a context that is cancelled when it has been asked often enough.
type patience struct {
	context.Context
	left atomic.Int64
}

func (p *patience) Err() error {
	if p.left.Add(-1) < 0 {
		return context.Canceled
	}
	return nil
}

// A cancelled context is noticed at the next step, wherever the picture is: it
// is asked once more and no further. A step of the built-in model takes
// milliseconds.
func TestCancelledContextReturnsSoon(t *testing.T) {
	m, err := nuclei.Open(nil)
	require.NoError(t, err)
	defer m.Close()
	img := waves(0, 640, 640)
	// The first picture makes Winograd's weights; given up, the next goes on there.
	first := &patience{Context: context.Background()}
	first.left.Store(3)
	_, err = m.Segment(first, img)
	require.ErrorIs(t, err, context.Canceled)
	_, err = m.Segment(context.Background(), img)
	require.NoError(t, err)
	all := &patience{Context: context.Background()}
	all.left.Store(1 << 40)
	_, err = m.Segment(all, img)
	require.NoError(t, err)
	steps := 1<<40 - all.left.Load()
	require.Greater(t, steps, int64(100))
	for _, after := range []int64{0, 1, steps / 2, steps - 1} {
		ctx := &patience{Context: context.Background()}
		ctx.left.Store(after)
		_, err := m.Segment(ctx, img)
		require.ErrorIs(t, err, context.Canceled, "after %d of %d steps", after, steps)
		require.GreaterOrEqual(t, ctx.left.Load(), int64(-2))
	}
	// While the only workspace is busy, waiting for it ends, too.
	s, busy := make(chan error), &patience{Context: context.Background()}
	busy.left.Store(1 << 40)
	go func() {
		_, err := m.Segment(busy, img)
		s <- err
	}()
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	_, err = m.Segment(ctx, img)
	require.ErrorIs(t, err, context.Canceled)
	require.NoError(t, <-s)
}

func TestClosedModel(t *testing.T) {
	m := tinyModel(t, spinemask.Options{})
	var all sync.WaitGroup
	for range 3 {
		all.Go(func() {
			_, err := m.Segment(context.Background(), waves(0, 64, 64))
			if err != nil && !errors.Is(err, spinemask.ErrClosed) {
				t.Error(err)
			}
		})
	}
	require.NoError(t, m.Close())
	require.NoError(t, m.Close())
	_, err := m.Segment(context.Background(), waves(0, 64, 64))
	require.ErrorIs(t, err, spinemask.ErrClosed)
	_, err = m.Features(context.Background(), waves(0, 64, 64))
	require.ErrorIs(t, err, spinemask.ErrClosed)
	all.Wait()
}
