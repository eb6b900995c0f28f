package overlay

import (
	"fmt"
	"image"
	"image/color"
	"sort"
	"strings"

	"golang.org/x/image/font"
	"golang.org/x/image/math/fixed"
)

// A label is a line of text at a place on the canvas.
type label struct {
	rect   image.Rectangle
	text   string
	colour lab
}

// place decides about labels with class and score, of large instances first, each at the first of several places where it hides next to nothing; an instance
// without such a place has no label. Where all are of one class, whose name stands in the caption, there are only scores, only inside of the masks, and only
// if most masks are large enough for that.
func (s style) place(sc *scene) []label {
	owner := ownership{scale: sc.scale, width: sc.photo.Width, top: make([]int32, sc.photo.Width*sc.photo.Height)}
	for _, i := range sc.order {
		eachPixel(sc.instances[i].Mask, func(x, y int) { owner.top[y*owner.width+x] = int32(i + 1) })
	}
	oneClass := len(classes(sc.instances)) == 1
	var placed []label
	for _, i := range sc.order {
		text := labelText(sc.instances[i], oneClass)
		if text == "" {
			continue
		}
		size := image.Pt(s.width(text)+2*s.pad, s.height+s.pad/2)
		box := image.Rectangle{sc.boxes[i].Min.Mul(sc.scale), sc.boxes[i].Max.Mul(sc.scale)}
		places := owner.inside(box, size, int32(i+1))
		if !oneClass {
			places = append(places, beside(box, size)...)
		}
		for _, r := range places {
			if r.In(sc.area) && !overlapsAny(r, placed) && owner.others(r, int32(i+1)) <= 0.15 {
				placed = append(placed, label{r, text, sc.colours[i]})
				break
			}
		}
	}
	if oneClass && 2*len(placed) < len(sc.instances) {
		return nil
	}
	return placed
}

func labelText(in Instance, oneClass bool) string {
	var parts []string
	if !oneClass && in.Label != "" {
		parts = append(parts, in.Label)
	}
	if in.Score > 0 {
		parts = append(parts, fmt.Sprintf("%.2f", in.Score))
	}
	return strings.Join(parts, " ")
}

// ownership tells which instance lies on top at each pixel of the photo: its index plus one, 0 for none.
type ownership struct {
	scale, width int
	top          []int32
}

// parts counts the pixels under a rectangle of the canvas: all of them, those of one instance and those of others.
func (o ownership) parts(r image.Rectangle, own int32) (all, mine, others int) {
	for y := r.Min.Y / o.scale; y < (r.Max.Y+o.scale-1)/o.scale; y++ {
		for _, t := range o.top[y*o.width+r.Min.X/o.scale : y*o.width+(r.Max.X+o.scale-1)/o.scale] {
			all++
			switch {
			case t == own:
				mine++
			case t != 0:
				others++
			}
		}
	}
	return max(all, 1), mine, others
}

// others is the part of a rectangle that lies on other instances than own.
func (o ownership) others(r image.Rectangle, own int32) float64 {
	all, _, others := o.parts(r, own)
	return float64(others) / float64(all)
}

// inside gives a place for a label within a large instance: not touching its border, rather in its upper half. It gives none for a small instance.
func (o ownership) inside(box image.Rectangle, size image.Point, own int32) []image.Rectangle {
	free := box.Size().Sub(size)
	if free.X < size.X/3 || free.Y < 2*size.Y {
		return nil
	}
	const steps = 12
	var best []image.Rectangle
	bestCost := 1e9
	for j := 0; j <= steps; j++ {
		for i := 0; i <= steps; i++ {
			at := box.Min.Add(image.Pt(free.X*i/steps, free.Y*j/steps))
			r := image.Rectangle{at, at.Add(size)}
			if all, mine, _ := o.parts(r, own); mine < all {
				continue
			}
			dx, dy := float64(2*i-steps)/steps*float64(free.X), (float64(j)/steps-0.3)*float64(free.Y)
			if cost := dx*dx/4 + dy*dy; cost < bestCost {
				bestCost, best = cost, []image.Rectangle{r}
			}
		}
	}
	return best
}

// beside gives the places around a box, best first.
func beside(box image.Rectangle, size image.Point) []image.Rectangle {
	const gap = 2
	at := func(x, y int) image.Rectangle { return image.Rectangle{image.Pt(x, y), image.Pt(x, y).Add(size)} }
	midX, midY := (box.Min.X+box.Max.X-size.X)/2, (box.Min.Y+box.Max.Y-size.Y)/2
	return []image.Rectangle{
		at(midX, box.Min.Y-size.Y-gap), at(midX, box.Max.Y+gap),
		at(box.Min.X, box.Min.Y-size.Y-gap), at(box.Max.X-size.X, box.Min.Y-size.Y-gap),
		at(box.Max.X+gap, midY), at(box.Min.X-size.X-gap, midY),
	}
}

func overlapsAny(r image.Rectangle, placed []label) bool {
	r = r.Inset(-2)
	for _, p := range placed {
		if r.Overlaps(p.rect) {
			return true
		}
	}
	return false
}

// pill writes a label: a tint of the instance's colour on dark.
func (s style) pill(canvas *image.RGBA, l label) {
	r, radius := l.rect, s.pad
	for y := r.Min.Y; y < r.Max.Y; y++ {
		for x := r.Min.X; x < r.Max.X; x++ {
			mix(canvas.Pix[canvas.PixOffset(x, y):][:3], black, int(165*corner(r, x, y, radius)))
		}
	}
	tint := lab{0.93, l.colour.a * 0.45, l.colour.b * 0.45}.rgb()
	s.text(canvas, image.Pt(r.Min.X+s.pad, r.Min.Y+(r.Dy()-s.height)/2+s.ascent), l.text, tint)
}

// text writes a line from a point on its baseline.
func (s style) text(canvas *image.RGBA, at image.Point, text string, c color.RGBA) {
	d := font.Drawer{Dst: canvas, Src: image.NewUniform(c), Face: s.face, Dot: fixed.P(at.X, at.Y)}
	d.DrawString(text)
}

// classes counts the labels, the most frequent first.
func classes(instances []Instance) []class {
	index := map[string]int{}
	var list []class
	for _, in := range instances {
		i, ok := index[in.Label]
		if !ok {
			i = len(list)
			index[in.Label] = i
			list = append(list, class{name: in.Label})
		}
		list[i].n++
	}
	sort.SliceStable(list, func(a, b int) bool { return list[a].n > list[b].n })
	return list
}

type class struct {
	name string
	n    int
}

// caption writes how many instances of which class there are, and their scores, beneath the photo.
func (s style) caption(canvas *image.RGBA, area image.Rectangle, text string) {
	for y := area.Max.Y; y < canvas.Rect.Max.Y; y++ {
		for x := range area.Max.X {
			copy(canvas.Pix[canvas.PixOffset(x, y):], []uint8{22, 22, 26, 255})
		}
	}
	s.text(canvas, image.Pt(2*s.pad, area.Max.Y+s.pad+s.ascent), s.fit(text, area.Dx()-4*s.pad), color.RGBA{210, 210, 215, 255})
}

func captionText(instances []Instance, gain float64) string {
	var parts []string
	if len(instances) == 0 {
		parts = append(parts, "nothing found")
	} else {
		parts = append(parts, classCounts(instances))
	}
	low, high := float32(1), float32(0)
	for _, in := range instances {
		low, high = min(low, in.Score), max(high, in.Score)
	}
	if high > 0 {
		parts = append(parts, fmt.Sprintf("scores %.2f to %.2f", low, high))
	}
	if gain > 1.05 {
		parts = append(parts, fmt.Sprintf("photo shown %.1f times brighter", gain))
	}
	return strings.Join(parts, "  ·  ")
}

func classCounts(instances []Instance) string {
	var parts []string
	for _, c := range classes(instances) {
		name := c.name
		if name == "" {
			name = "without class"
		}
		parts = append(parts, fmt.Sprintf("%d × %s", c.n, name))
	}
	return strings.Join(parts, ", ")
}

// fit cuts a line to a width in pixels.
func (s style) fit(text string, width int) string {
	if s.width(text) <= width {
		return text
	}
	for r := []rune(text); len(r) > 0; r = r[:len(r)-1] {
		if cut := strings.TrimRight(string(r), " ,·") + "…"; s.width(cut) <= width {
			return cut
		}
	}
	return ""
}
