// Package tile finds the instances of pictures that are much larger than the input of a model: microscope slides, aerial photos. The picture is cut into tiles
// that overlap, which go through the model each as a picture of its own. What two tiles see of the same thing is joined by the masks, not by the boxes: the
// masks of an instance agree where tiles overlap, whatever its shape is.
package tile

import (
	"cmp"
	"context"
	"errors"
	"image"
	"slices"

	"github.com/spinemask/spinemask"
	"github.com/spinemask/spinemask/box"
	"github.com/spinemask/spinemask/internal/core/imageio"
	"github.com/spinemask/spinemask/rle"
)

// Options of Segment, in pixels of the picture.
type Options struct {
	Size    int // side of a tile
	Overlap int // of neighbours, at least; what is smaller is seen whole by one of them

	// Pad fills up, at the right and below, what is smaller than a tile, so that the model sees every picture at the same scale.
	Pad  bool
	Fill [3]byte // R, G, B

	Workers int // tiles that are with the model at once; 0 means 1. The result does not depend on it.
}

// Check reports what is wrong with the options.
func (o Options) Check() error {
	if o.Size < 32 || o.Overlap < 0 || o.Overlap > o.Size/2 {
		return errors.New("tile: want a size of at least 32 pixels, and an overlap of at most half of it")
	}
	return nil
}

// A Segmenter is the model.
type Segmenter func(ctx context.Context, tile *imageio.Image) (*spinemask.Result, error)

// Segment finds the instances of a picture by falling score. Besides the picture and the result, it needs the memory of a tile for each worker.
func Segment(ctx context.Context, model Segmenter, photo *imageio.Image, o Options) (*spinemask.Result, error) {
	if err := o.Check(); err != nil {
		return nil, err
	}
	fits := photo.Width <= o.Size && photo.Height <= o.Size
	if fits && (!o.Pad || photo.Width == o.Size && photo.Height == o.Size) {
		return model(ctx, photo)
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	xs, ys := starts(photo.Width, o), starts(photo.Height, o)
	m := merger{bounds: photo.Bounds(), tiles: make([][]int, len(xs)*len(ys))}
	var stages []spinemask.Stage
	var failed error
	for v := range views(ctx, model, photo, o, xs, ys) {
		<-v.done
		if v.err != nil && failed == nil {
			failed = v.err
			cancel() // and wait for the others
		}
		if failed != nil {
			continue
		}
		stages = addStages(stages, v.result.Stages)
		var near []int // tiles that were seen before and overlap this one
		for _, d := range [][2]int{{0, -1}, {-1, -1}, {-1, 0}, {-1, 1}} {
			if r, c := v.row+d[0], v.column+d[1]; r >= 0 && c >= 0 && c < len(xs) {
				near = append(near, r*len(xs)+c)
			}
		}
		m.add(v.row*len(xs)+v.column, v.rect, near, v.result.Instances)
	}
	if failed == nil {
		failed = ctx.Err()
	}
	if failed != nil {
		return nil, failed
	}
	return &spinemask.Result{Height: photo.Height, Width: photo.Width, Instances: m.instances(), Stages: stages}, nil
}

// A view is what the model sees of a tile.
type view struct {
	row, column int
	rect        image.Rectangle // of the picture, without what it was filled up with
	done        chan struct{}   // closed when the following is set
	result      *spinemask.Result
	err         error
}

// views gives the tiles to the model, row by row, and yields them in that order: as many as there are workers are under way at once.
func views(ctx context.Context, model Segmenter, photo *imageio.Image, o Options, xs, ys []int) <-chan *view {
	ordered := make(chan *view, max(o.Workers, 1)-1)
	go func() {
		defer close(ordered)
		for r, y := range ys {
			for c, x := range xs {
				v := &view{row: r, column: c, rect: image.Rect(x, y, min(x+o.Size, photo.Width), min(y+o.Size, photo.Height)), done: make(chan struct{})}
				select {
				case ordered <- v:
				case <-ctx.Done():
					return
				}
				go func() {
					defer close(v.done)
					v.result, v.err = model(ctx, cut(photo, v.rect, o))
				}()
			}
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

// cut copies a part of a picture, and fills it up to a whole tile if that is wanted.
func cut(photo *imageio.Image, r image.Rectangle, o Options) *imageio.Image {
	width, height := r.Dx(), r.Dy()
	if o.Pad {
		width, height = o.Size, o.Size
	}
	out := imageio.New(width, height)
	if width*height > r.Dx()*r.Dy() {
		for i := range out.Pix {
			out.Pix[i] = o.Fill[i%3]
		}
	}
	for y := range r.Dy() {
		copy(out.Pix[3*y*width:][:3*r.Dx()], photo.Pix[3*((r.Min.Y+y)*photo.Width+r.Min.X):])
	}
	return out
}

func addStages(sum, more []spinemask.Stage) []spinemask.Stage {
	if sum == nil {
		return slices.Clone(more)
	}
	for i := range min(len(sum), len(more)) {
		sum[i].Duration += more[i].Duration
	}
	return sum
}

// A merger joins what the tiles see.
type merger struct {
	bounds image.Rectangle // of the picture
	seen   []sighting
	tiles  [][]int // sightings of each tile, indexes in seen
	build  rle.Builder
}

// A sighting is an instance as one tile sees it.
type sighting struct {
	spinemask.Instance
	tile  image.Rectangle
	rect  image.Rectangle // around the mask
	whole bool            // it does not touch a side of the tile behind which the picture goes on
	group int             // index of the first sighting of the same instance
}

func (m *merger) add(at int, tile image.Rectangle, near []int, instances []spinemask.Instance) {
	for _, in := range instances {
		in.Mask = m.lift(in.Mask, tile.Min)
		x, y, w, h := in.Mask.Bounds()
		if w == 0 {
			continue
		}
		in.Box = m.moved(in.Box, tile.Min)
		s := sighting{Instance: in, tile: tile, rect: image.Rect(x, y, x+w, y+h), group: len(m.seen)}
		s.whole = m.isWhole(s.rect, tile)
		for _, t := range near {
			for _, i := range m.tiles[t] {
				if same(&m.seen[i], &s) {
					m.join(i, &s)
				}
			}
		}
		m.tiles[at] = append(m.tiles[at], len(m.seen))
		m.seen = append(m.seen, s)
	}
}

// join puts sighting i, and all that are the same as it, together with a new one.
func (m *merger) join(i int, s *sighting) {
	from, to := m.seen[i].group, s.group
	if from > to {
		from, to = to, from
	}
	for j := range m.seen {
		if m.seen[j].group == to {
			m.seen[j].group = from
		}
	}
	s.group = from
}

// lift puts a mask of a tile to its place in the picture. What lies beyond the picture is left out.
func (m *merger) lift(mask rle.Mask, at image.Point) rle.Mask {
	height, width := m.bounds.Dy(), m.bounds.Dx()
	m.build.Reset(height, width)
	done, p := 0, 0
	for i, n := range mask.Runs {
		end := p + int(n)
		for i%2 == 1 && p < end {
			x := p / mask.H
			stop := min(end, (x+1)*mask.H)
			top, bottom := at.Y+p-x*mask.H, min(at.Y+stop-x*mask.H, height)
			p = stop
			if top >= bottom || at.X+x >= width {
				continue
			}
			begin := (at.X+x)*height + top
			m.build.Run(false, begin-done)
			m.build.Run(true, bottom-top)
			done = begin + bottom - top
		}
		p = end
	}
	return m.build.Mask()
}

// moved puts a box of a tile to its place in the picture. What a picture was filled up with belongs to no box.
func (m *merger) moved(b box.Box, by image.Point) box.Box {
	x, y, right, bottom := float32(by.X), float32(by.Y), float32(m.bounds.Max.X), float32(m.bounds.Max.Y)
	return box.Box{Y1: b.Y1 + y, X1: b.X1 + x, Y2: min(b.Y2+y, bottom), X2: min(b.X2+x, right)}
}

// isWhole says whether nothing of an instance can lie beyond its tile. A model's masks often end a pixel before the border.
func (m *merger) isWhole(r, tile image.Rectangle) bool {
	const near = 2
	return (r.Min.X >= tile.Min.X+near || tile.Min.X == m.bounds.Min.X) && (r.Max.X <= tile.Max.X-near || tile.Max.X == m.bounds.Max.X) &&
		(r.Min.Y >= tile.Min.Y+near || tile.Min.Y == m.bounds.Min.Y) && (r.Max.Y <= tile.Max.Y-near || tile.Max.Y == m.bounds.Max.Y)
}

// same says whether two tiles see the same instance: of one class, with masks that agree where the tiles overlap. Of two that are whole, the smaller one must
// not be a part of a larger; a piece may be.
func same(a, b *sighting) bool {
	if a.Category != b.Category || !a.rect.Overlaps(b.rect) {
		return false
	}
	common := rle.IntersectionArea(a.Mask.Runs, b.Mask.Runs)
	if common == 0 {
		return false
	}
	both := a.tile.Intersect(b.tile)
	inA, inB := areaIn(a.Mask, both), areaIn(b.Mask, both)
	if a.whole && b.whole {
		return 2*common >= inA+inB-common // IoU of a half
	}
	return 3*common >= 2*min(inA, inB)
}

// areaIn counts the pixels of a mask within a rectangle.
func areaIn(m rle.Mask, r image.Rectangle) uint64 {
	var sum uint64
	p := 0
	for i, n := range m.Runs {
		end := p + int(n)
		for i%2 == 1 && p < end {
			x := p / m.H
			stop := min(end, (x+1)*m.H)
			if x >= r.Min.X && x < r.Max.X {
				sum += uint64(max(min(stop-x*m.H, r.Max.Y)-max(p-x*m.H, r.Min.Y), 0))
			}
			p = stop
		}
		p = end
	}
	return sum
}

// instances makes one of all sightings of an instance: the best of those that are whole, or else, for a thing that no tile holds, all pieces together.
func (m *merger) instances() []spinemask.Instance {
	groups := map[int][]*sighting{}
	var order []int
	for i := range m.seen {
		s := &m.seen[i]
		if groups[s.group] == nil {
			order = append(order, s.group)
		}
		groups[s.group] = append(groups[s.group], s)
	}
	list := make([]spinemask.Instance, 0, len(order))
	for _, g := range order {
		list = append(list, merge(groups[g]))
	}
	slices.SortStableFunc(list, func(a, b spinemask.Instance) int { return cmp.Compare(b.Score, a.Score) })
	return list
}

func merge(group []*sighting) spinemask.Instance {
	var best *sighting
	for _, s := range group {
		if s.whole && (best == nil || s.Score > best.Score) {
			best = s
		}
	}
	if best != nil {
		return best.Instance
	}
	in := group[0].Instance
	masks := make([]rle.Mask, len(group))
	for i, s := range group {
		masks[i] = s.Mask
		in.Score = max(in.Score, s.Score)
		in.Box = box.Box{Y1: min(in.Box.Y1, s.Box.Y1), X1: min(in.Box.X1, s.Box.X1), Y2: max(in.Box.Y2, s.Box.Y2), X2: max(in.Box.X2, s.Box.X2)}
	}
	in.Mask = rle.Union(masks...)
	return in
}
