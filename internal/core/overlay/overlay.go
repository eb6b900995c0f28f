// Package overlay draws instances over their photo, for people to look at: translucent areas with smooth outlines, labels where there is room for them, and a
// caption that counts the classes. Looks may change between versions.
package overlay

import (
	"fmt"
	"image"
	"image/color"
	"math"
	"sort"

	"golang.org/x/image/draw"

	"github.com/spinemask/spinemask/internal/core/imageio"
	"github.com/spinemask/spinemask/rle"
)

// Instance is what is drawn of a detection, or of an annotation.
type Instance struct {
	Mask  rle.Mask   // of the photo's size; the zero Mask is none
	Box   [4]float64 // x, y, width, height in pixels of the photo, which is drawn where there is no mask
	Label string     // class; may be empty
	Score float32    // 0…1; 0 means that there is none, as in annotations
}

// Draw gives a picture of the photo with instances drawn on it, largest first so that small ones stay visible. Small photos are enlarged, so that outlines are
// fine against the pixels, and dark grey ones brightened; beneath the photo is a caption. Colours depend on the order of the instances: leaving out the last
// ones of a list does not change the others. A mask that does not fit the photo is an error.
func Draw(photo *imageio.Image, instances []Instance) (*image.RGBA, error) {
	if err := check(photo, instances); err != nil {
		return nil, err
	}
	sc := newScene(photo, instances)
	sc.paint(palette(mean(photo)), nil)
	return sc.draw(displayGain(photo)), nil
}

// check wants masks of the photo's size.
func check(photo *imageio.Image, instances []Instance) error {
	for i, in := range instances {
		if in.boxed() {
			continue
		}
		if in.Mask.H != photo.Height || in.Mask.W != photo.Width {
			return fmt.Errorf("overlay: instance %d: mask of %dx%d pixels, photo of %dx%d", i, in.Mask.W, in.Mask.H, photo.Width, photo.Height)
		}
		if err := in.Mask.Validate(); err != nil {
			return fmt.Errorf("overlay: instance %d: %w", i, err)
		}
	}
	return nil
}

// draw makes the picture, with the photo brighter by a gain.
func (sc *scene) draw(gain float64) *image.RGBA {
	style := newStyle(sc.area)
	canvas := image.NewRGBA(image.Rect(0, 0, sc.area.Dx(), sc.area.Dy()+style.captionHeight()))
	drawPhoto(canvas, sc.area, sc.photo, gain)

	width := style.lineWidth(sc.sizes, sc.scale)
	for _, i := range sc.order {
		in := &sc.instances[i]
		s := newShape(in.lines(), float64(sc.scale), width, sc.area)
		c := sc.colours[i].rgb()
		s.paint(canvas, s.casing, black, 0.45)
		if !in.boxed() { // boxes lie over each other, and over what is not theirs
			s.paint(canvas, s.area, c, 0.2)
		}
		s.paint(canvas, s.outline, c, 0.95)
	}
	for _, l := range style.place(sc) {
		style.pill(canvas, l)
	}
	style.caption(canvas, sc.area, captionText(sc.instances, gain))
	return canvas
}

// A scene is what is to be drawn, and where.
type scene struct {
	photo *imageio.Image
	scale int             // pixels of the canvas for one of the photo
	area  image.Rectangle // of the photo on the canvas

	instances []Instance
	boxes     []image.Rectangle // pixels of the photo
	sizes     []uint64          // pixels of the photo
	colours   []lab
	order     []int // from large to small
}

func newScene(photo *imageio.Image, instances []Instance) *scene {
	n := len(instances)
	sc := &scene{photo: photo, instances: instances, boxes: make([]image.Rectangle, n), sizes: make([]uint64, n), order: make([]int, n)}
	sc.scale = enlargement(photo.Width, photo.Height)
	sc.area = image.Rect(0, 0, photo.Width*sc.scale, photo.Height*sc.scale)
	for i, in := range instances {
		sc.boxes[i] = in.bounds(photo)
		sc.sizes[i], sc.order[i] = in.Mask.Area(), i
		if in.boxed() {
			sc.sizes[i] = uint64(sc.boxes[i].Dx() * sc.boxes[i].Dy())
		}
	}
	sort.SliceStable(sc.order, func(a, b int) bool { return sc.sizes[sc.order[a]] > sc.sizes[sc.order[b]] })
	return sc
}

// boxed says whether there is a box alone.
func (in *Instance) boxed() bool { return in.Mask.H == 0 && in.Mask.W == 0 }

// bounds are the pixels around an instance.
func (in *Instance) bounds(photo *imageio.Image) image.Rectangle {
	if !in.boxed() {
		x, y, w, h := in.Mask.Bounds()
		return image.Rect(x, y, x+w, y+h)
	}
	x, y, w, h := in.Box[0], in.Box[1], in.Box[2], in.Box[3]
	return image.Rect(int(math.Floor(x)), int(math.Floor(y)), int(math.Ceil(x+w)), int(math.Ceil(y+h))).Intersect(photo.Bounds())
}

// lines are the closed lines that an instance is drawn with.
func (in *Instance) lines() [][]point {
	if !in.boxed() {
		return contours(in.Mask)
	}
	x, y, w, h := in.Box[0], in.Box[1], in.Box[2], in.Box[3]
	return [][]point{{{x, y}, {x + w, y}, {x + w, y + h}, {x, y + h}}}
}

// paint gives the instances their colours, but for those that have one already (see assign), and gives all as indices of the palette.
func (sc *scene) paint(palette []lab, kept []int) []int {
	colours := assign(sc.boxes, palette, kept)
	sc.colours = make([]lab, len(colours))
	for i, c := range colours {
		sc.colours[i] = palette[c]
	}
	return colours
}

// enlargement is the whole factor that brings the shorter side to 600 pixels, at most 8, and the longer one to no more than viewers show.
func enlargement(w, h int) int {
	const longest = 1 << 14
	return max(min((600+min(w, h)-1)/max(min(w, h), 1), longest/max(w, h, 1), 8), 1)
}

// drawPhoto fills an area of the canvas, which begins at (0, 0).
func drawPhoto(canvas *image.RGBA, area image.Rectangle, photo *imageio.Image, gain float64) {
	dst := canvas
	if area != photo.Bounds() {
		dst = image.NewRGBA(photo.Bounds())
	}
	var level [256]uint8
	for v := range level {
		level[v] = uint8(min(float64(v)*gain+0.5, 255))
	}
	for i := range photo.Width * photo.Height {
		p := photo.Pix[3*i:][:3]
		copy(dst.Pix[4*i:], []uint8{level[p[0]], level[p[1]], level[p[2]], 255})
	}
	if dst != canvas {
		draw.CatmullRom.Scale(canvas, area, dst, dst.Rect, draw.Src, nil)
	}
}

// displayGain is how much brighter a dark grey photo, as fluorescence microscopes make them, is shown: the brightest pixels, but for one in 300, come to three
// quarters of white. Colour photos are shown as they are.
func displayGain(photo *imageio.Image) float64 {
	var histogram [256]int
	for i := 0; i < len(photo.Pix); i += 3 {
		p := photo.Pix[i:][:3]
		if p[0] != p[1] || p[1] != p[2] {
			return 1
		}
		histogram[p[0]]++
	}
	bright, rest := 255, len(photo.Pix)/3/300
	for ; bright > 0 && histogram[bright] <= rest; bright-- {
		rest -= histogram[bright]
	}
	return min(max(190/float64(max(bright, 1)), 1), 8)
}

// mean is the photo's average colour.
func mean(photo *imageio.Image) lab {
	var sum [3]int
	for i, v := range photo.Pix {
		sum[i%3] += int(v)
	}
	n := math.Max(1, float64(len(photo.Pix)/3))
	return toLab(float64(sum[0])/n, float64(sum[1])/n, float64(sum[2])/n)
}

var black = color.RGBA{0, 0, 0, 255}
