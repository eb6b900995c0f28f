package tile

import (
	"context"
	"image"
	"image/color"

	"github.com/spinemask/spinemask"
	"github.com/spinemask/spinemask/internal/core/imageio"
)

// A grid is a picture and its tiles. Tile number row·len(xs) + column begins at (xs[column], ys[row]).
type grid struct {
	photo   *imageio.Image
	options Options
	xs, ys  []int
}

func newGrid(photo *imageio.Image, o Options) *grid {
	return &grid{photo, o, starts(photo.Width, o), starts(photo.Height, o)}
}

// tiles is their number.
func (g *grid) tiles() int { return len(g.xs) * len(g.ys) }

// rect is the part of the picture that a tile holds.
func (g *grid) rect(tile int) image.Rectangle {
	x, y := g.xs[tile%len(g.xs)], g.ys[tile/len(g.xs)]
	return image.Rect(x, y, min(x+g.options.Size, g.photo.Width), min(y+g.options.Size, g.photo.Height))
}

// before lists the neighbours of a tile, which overlap it, among those with lower numbers.
func (g *grid) before(tile int) []int {
	var list []int
	row, column := tile/len(g.xs), tile%len(g.xs)
	for _, d := range [][2]int{{-1, -1}, {-1, 0}, {-1, 1}, {0, -1}} {
		if r, c := row+d[0], column+d[1]; r >= 0 && c >= 0 && c < len(g.xs) {
			list = append(list, r*len(g.xs)+c)
		}
	}
	return list
}

// A view is what the model sees of a tile.
type view struct {
	tile   int
	done   chan struct{} // closed when the following is set
	result *spinemask.Result
	err    error
}

// each gives the tiles to the model, and hands on what it finds, in their order. The first error ends it.
func (g *grid) each(ctx context.Context, model Segmenter, found func(tile int, r *spinemask.Result)) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var failed error
	for v := range g.views(ctx, model) {
		<-v.done
		switch {
		case failed != nil: // wait for the others
		case v.err != nil:
			failed = v.err
			cancel()
		default:
			found(v.tile, v.result)
		}
	}
	if failed == nil {
		failed = ctx.Err()
	}
	return failed
}

// views gives the tiles to the model and yields them in the same order: as many as there are workers are under way at once.
func (g *grid) views(ctx context.Context, model Segmenter) <-chan *view {
	ordered := make(chan *view, max(g.options.Workers, 1)-1)
	go func() {
		defer close(ordered)
		for tile := range g.tiles() {
			v := &view{tile: tile, done: make(chan struct{})}
			select {
			case ordered <- v:
			case <-ctx.Done():
				return
			}
			go func() {
				defer close(v.done)
				if slots := g.options.Slots; slots != nil {
					select {
					case slots <- struct{}{}:
						defer func() { <-slots }()
					case <-ctx.Done():
						v.err = ctx.Err()
						return
					}
				}
				v.result, v.err = model(ctx, g.cut(tile))
			}()
		}
	}()
	return ordered
}

// starts spreads tiles evenly over a side.
func starts(side int, o Options) []int {
	if side <= o.Size {
		return []int{0}
	}
	step := o.Size - o.Overlap
	n := (side-o.Size+step-1)/step + 1
	list := make([]int, n)
	for i := range list {
		list[i] = (side - o.Size) * i / (n - 1)
	}
	return list
}

// cut copies the pixels of a tile, and fills them up to a whole one if that is wanted.
func (g *grid) cut(tile int) *imageio.Image {
	r := g.rect(tile)
	width, height := r.Dx(), r.Dy()
	if g.options.Pad {
		width, height = g.options.Size, g.options.Size
	}
	out := imageio.New(width, height)
	if g.options.Fill != nil && width*height > r.Dx()*r.Dy() {
		fill := color.RGBAModel.Convert(g.options.Fill).(color.RGBA)
		for i := 0; i < len(out.Pix); i += 3 {
			out.Pix[i], out.Pix[i+1], out.Pix[i+2] = fill.R, fill.G, fill.B
		}
	}
	for y := range r.Dy() {
		copy(out.Pix[3*y*width:][:3*r.Dx()], g.photo.Pix[3*((r.Min.Y+y)*g.photo.Width+r.Min.X):])
	}
	return out
}
