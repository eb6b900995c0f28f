package tile

import (
	"context"
	"errors"
	"image"
	"image/color"
	"math"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/spinemask/spinemask"
	"github.com/spinemask/spinemask/box"
	"github.com/spinemask/spinemask/config"
	"github.com/spinemask/spinemask/internal/core/imageio"
	"github.com/spinemask/spinemask/rle"
)

// components is a model that finds the connected bright parts of a picture, and nothing of what lies beyond it.
func components(_ context.Context, picture image.Image) (*spinemask.Result, error) {
	m := picture.(*imageio.Image)
	r := &spinemask.Result{Height: m.Height, Width: m.Width}
	seen := make([]bool, m.Width*m.Height)
	for start := range seen {
		if seen[start] || m.Pix[3*start] == 0 {
			continue
		}
		bits := make([]byte, len(seen))
		todo := []int{start}
		seen[start] = true
		for len(todo) > 0 {
			p := todo[len(todo)-1]
			todo = todo[:len(todo)-1]
			bits[p] = 1
			x, y := p%m.Width, p/m.Width
			for _, q := range [][2]int{{x - 1, y}, {x + 1, y}, {x, y - 1}, {x, y + 1}} {
				if q[0] >= 0 && q[1] >= 0 && q[0] < m.Width && q[1] < m.Height && !seen[q[1]*m.Width+q[0]] && m.Pix[3*(q[1]*m.Width+q[0])] != 0 {
					seen[q[1]*m.Width+q[0]] = true
					todo = append(todo, q[1]*m.Width+q[0])
				}
			}
		}
		mask := rle.FromBitmap(m.Height, m.Width, bits)
		bx, by, w, h := mask.Bounds()
		r.Instances = append(r.Instances, spinemask.Instance{
			Category: 1, Score: 0.5 + float32(len(r.Instances)%7)/20, Mask: mask,
			Box: box.Box{Y1: float32(by), X1: float32(bx), Y2: float32(by + h), X2: float32(bx + w)},
		})
	}
	return r, nil
}

// discs draws discs of radii up to largest that do not touch.
func discs(random *rand.Rand, width, height, largest int) *imageio.Image {
	m := imageio.New(width, height)
	type disc struct{ x, y, r int }
	var placed []disc
	for range 400 {
		d := disc{random.IntN(width), random.IntN(height), 2 + random.IntN(largest)}
		free := true
		for _, o := range placed {
			reach := d.r + o.r + 3
			free = free && (d.x-o.x)*(d.x-o.x)+(d.y-o.y)*(d.y-o.y) > reach*reach
		}
		if !free {
			continue
		}
		placed = append(placed, d)
		for y := max(d.y-d.r, 0); y < min(d.y+d.r+1, height); y++ {
			for x := max(d.x-d.r, 0); x < min(d.x+d.r+1, width); x++ {
				if (x-d.x)*(x-d.x)+(y-d.y)*(y-d.y) <= d.r*d.r {
					m.Pix[3*(y*width+x)] = 255
				}
			}
		}
	}
	return m
}

// Whatever the tiles are, each thing is found once, with all its pixels: also those that are larger than the overlap, or than a tile.
func TestEachInstanceIsFoundOnce(t *testing.T) {
	random := rand.New(rand.NewPCG(5, 6))
	for _, c := range []struct{ width, height, largest, size, overlap int }{
		{300, 200, 12, 64, 30}, {301, 211, 40, 64, 16}, {200, 333, 90, 50, 25}, {64, 500, 20, 64, 8}, {150, 150, 10, 149, 40},
	} {
		photo := discs(random, c.width, c.height, c.largest)
		want, err := components(context.Background(), photo)
		require.NoError(t, err)
		got, err := Segment(context.Background(), components, photo, Options{Size: c.size, Overlap: c.overlap, Workers: 3})
		require.NoError(t, err)
		require.Len(t, got.Instances, len(want.Instances), "%+v", c)
		masks := map[string]box.Box{}
		for i, in := range got.Instances {
			require.NoError(t, in.Mask.Validate())
			masks[in.Mask.String()] = in.Box
			if i > 0 {
				require.GreaterOrEqual(t, got.Instances[i-1].Score, in.Score)
			}
		}
		for _, in := range want.Instances {
			b, ok := masks[in.Mask.String()]
			require.True(t, ok, "%+v", c)
			require.Equal(t, in.Box, b)
		}
	}
}

func TestNeighboursThatTouchStayTwo(t *testing.T) {
	model := func(_ context.Context, picture image.Image) (*spinemask.Result, error) { // each finds two halves of the tile, one on the other
		m := picture.(*imageio.Image)
		top := rle.FromBox(0, 0, float64(m.Width), float64(m.Height/2), m.Height, m.Width)
		bottom := rle.Difference(rle.FromBox(0, 0, float64(m.Width), float64(m.Height), m.Height, m.Width), top)
		return &spinemask.Result{Height: m.Height, Width: m.Width, Instances: []spinemask.Instance{{Category: 1, Mask: top}, {Category: 1, Mask: bottom}}}, nil
	}
	got, err := Segment(context.Background(), model, imageio.New(100, 40), Options{Size: 40, Overlap: 20})
	require.NoError(t, err)
	require.Len(t, got.Instances, 2)
	require.Equal(t, uint64(100*20), got.Instances[0].Mask.Area())
}

func TestClassesAreNotJoined(t *testing.T) {
	class := 0
	model := func(_ context.Context, m image.Image) (*spinemask.Result, error) { // each finds the same square in columns 24 to 34 of the picture
		class++
		mask := rle.FromBox(float64(24-20*(class-1)), 10, 10, 10, 40, 40)
		return &spinemask.Result{Instances: []spinemask.Instance{{Category: class, Mask: mask}}}, nil
	}
	got, err := Segment(context.Background(), model, imageio.New(60, 40), Options{Size: 40, Overlap: 20})
	require.NoError(t, err)
	require.Len(t, got.Instances, 2)
	require.Equal(t, got.Instances[0].Mask, got.Instances[1].Mask)
}

func TestTilesCoverThePicture(t *testing.T) {
	for side := 1; side < 400; side++ {
		o := Options{Size: 50, Overlap: 20}
		list := starts(side, o)
		for i, x := range list {
			if i > 0 {
				require.LessOrEqual(t, x, list[i-1]+o.Size-o.Overlap)
			}
		}
		require.Equal(t, 0, list[0])
		require.Equal(t, max(side-o.Size, 0), list[len(list)-1])
	}
}

func TestErrorsAndOptions(t *testing.T) {
	failing := func(context.Context, image.Image) (*spinemask.Result, error) { return nil, errors.New("no") }
	_, err := Segment(context.Background(), failing, imageio.New(100, 100), Options{Size: 50, Overlap: 10})
	require.EqualError(t, err, "no")
	for _, o := range []Options{{Size: 0}, {Size: 31}, {Size: 100, Overlap: 51}, {Size: 100, Overlap: math.MaxInt}, {Size: 100, Overlap: -1}} {
		require.Error(t, o.Check())
	}
}

func TestScalesThatAreNoneAreErrors(t *testing.T) {
	for _, scale := range []float64{0, -2, math.NaN()} {
		_, err := AtScale(&config.Config{}, scale)
		require.ErrorContains(t, err, "want a positive number", scale)
	}
}

// Calls that share slots have no more tiles at once than there are slots, and find the same.
func TestSlotsAreShared(t *testing.T) {
	photo := discs(rand.New(rand.NewPCG(5, 5)), 300, 200, 12)
	want, err := Segment(t.Context(), components, photo, Options{Size: 64, Overlap: 30})
	require.NoError(t, err)
	var now, most atomic.Int32
	model := func(ctx context.Context, picture image.Image) (*spinemask.Result, error) {
		n := now.Add(1)
		defer now.Add(-1)
		for m := most.Load(); n > m && !most.CompareAndSwap(m, n); m = most.Load() {
		}
		time.Sleep(time.Millisecond)
		return components(ctx, picture)
	}
	o := Options{Size: 64, Overlap: 30, Workers: 4, Slots: make(chan struct{}, 3)}
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			got, err := Segment(t.Context(), model, photo, o)
			assert.NoError(t, err)
			assert.Equal(t, want.Instances, got.Instances)
		})
	}
	all.Wait()
	require.EqualValues(t, 3, most.Load())
	require.Empty(t, o.Slots)

	stopped, stop := context.WithCancel(t.Context())
	stop()
	_, err = Segment(stopped, model, photo, o)
	require.ErrorIs(t, err, context.Canceled)
	require.Empty(t, o.Slots)
}

func TestTheNumberOfWorkersChangesNothing(t *testing.T) {
	photo := discs(rand.New(rand.NewPCG(3, 4)), 310, 270, 30)
	var want *spinemask.Result
	for workers := range 6 {
		got, err := Segment(context.Background(), components, photo, Options{Size: 64, Overlap: 30, Workers: workers})
		require.NoError(t, err)
		if want == nil {
			want = got
		}
		require.Equal(t, want, got)
	}
}

func TestPaddingShowsEveryPictureAtOneScale(t *testing.T) {
	filled := func(ctx context.Context, m image.Image) (*spinemask.Result, error) {
		require.Equal(t, image.Pt(64, 64), m.Bounds().Size())
		return components(ctx, m) // the fill is bright, too: what touches it is seen together with it
	}
	for _, size := range [][2]int{{40, 30}, {64, 50}, {64, 64}, {200, 40}, {30, 150}} {
		photo := imageio.New(size[0], size[1])
		for y := 10; y < size[1]; y++ { // reaches the lower border
			copy(photo.Pix[3*(y*size[0]+5):], []byte{9, 9, 9, 9, 9, 9})
		}
		got, err := Segment(context.Background(), filled, photo, Options{Size: 64, Overlap: 20, Pad: true, Fill: color.Gray{7}})
		require.NoError(t, err)
		require.Equal(t, [2]int{size[0], size[1]}, [2]int{got.Width, got.Height})
		require.Len(t, got.Instances, 1)
		in := got.Instances[0]
		require.NoError(t, in.Mask.Validate())
		require.Equal(t, rle.FromBox(5, 10, 2, float64(size[1]-10), size[1], size[0]), in.Mask)
		require.LessOrEqual(t, in.Box.Y2, float32(size[1]))
	}
}

func TestCancellation(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	seen := 0
	model := func(ctx context.Context, m image.Image) (*spinemask.Result, error) {
		if seen++; seen == 3 {
			cancel()
		}
		return &spinemask.Result{}, ctx.Err()
	}
	_, err := Segment(ctx, model, imageio.New(1000, 1000), Options{Size: 50, Overlap: 10})
	require.ErrorIs(t, err, context.Canceled)
	require.Less(t, seen, 6)
}
