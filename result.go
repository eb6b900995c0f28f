package spinemask

import (
	"image"
	"image/color"
	"time"

	"github.com/spinemask/spinemask/box"
	"github.com/spinemask/spinemask/internal/core/overlay"
	"github.com/spinemask/spinemask/rle"
)

// A Result is what a model found in a picture, by falling score. Its pixels
// count from the upper left corner of the picture, wherever the bounds of that
// begin.
type Result struct {
	Name          string // of the picture, if SegmentAll was told one
	Height, Width int    // of the picture, pixels
	Instances     []Instance
	Stages        []Stage // where the time went, in order
}

// A Stage is a part of the way from a picture to its instances.
type Stage struct {
	Name     string
	Duration time.Duration
}

// An Instance is one thing in a picture. Package rle has much to do with its
// Mask: Area, Bitmap, Polygons, String (as COCO writes it), IoU, Union.
type Instance struct {
	Category int      // id in the data set of the model
	Name     string   // of the category
	Score    float32  // 0…1
	Box      box.Box  // picture pixels, y down, x right; its sides are the differences of its corners, whatever the model's own coding
	Mask     rle.Mask // of the whole picture; the zero Mask is none, see HasMask
}

// plusOne moves the lower right corners of boxes whose corners are their outermost
// pixels, so that the sides are what mmdetection 1.x writes.
func (r *Result) plusOne() {
	for i := range r.Instances {
		b := &r.Instances[i].Box
		b.Y2, b.X2 = b.Y2+1, b.X2+1
	}
}

// clip cuts boxes off at the border of the picture and drops what has no pixel in
// it: the original networks clip to their input, of which the picture may be a
// part only.
func (r *Result) clip() {
	kept := r.Instances[:0]
	for _, in := range r.Instances {
		in.Box = in.Box.Clip(box.Size{Height: float32(r.Height), Width: float32(r.Width)})
		if in.Box.Y2 > in.Box.Y1 && in.Box.X2 > in.Box.X1 && (!in.HasMask() || in.Mask.Area() > 0) {
			kept = append(kept, in)
		}
	}
	r.Instances = kept
}

// Draw gives a copy of the picture with the instances over it, for people to
// look at; small pictures are enlarged. Looks may change between versions.
func (r *Result) Draw(picture image.Image) (*image.RGBA, error) {
	shown := make([]overlay.Instance, len(r.Instances))
	for i, in := range r.Instances {
		b := in.Box
		shown[i] = overlay.Instance{
			Mask: in.Mask, Label: in.Name, Score: in.Score,
			Box: [4]float64{float64(b.X1), float64(b.Y1), float64(b.X2 - b.X1), float64(b.Y2 - b.Y1)},
		}
	}
	return overlay.Draw(convert(picture), shown)
}

// HasMask says whether the model said which pixels the thing has: Mask R-CNN does,
// RetinaNet has boxes alone, and the zero Mask.
func (in *Instance) HasMask() bool { return in.Mask.H > 0 }

// Bounds is the smallest rectangle around the mask; it is empty for an empty
// mask. (Box is what the network said of the whole thing, which need not touch
// the mask.)
func (in *Instance) Bounds() image.Rectangle {
	x, y, w, h := in.Mask.Bounds()
	return image.Rect(x, y, x+w, y+h)
}

// Alpha gives the mask as an image with the rectangle Bounds, opaque where the
// thing is: for image/draw.DrawMask, and for other libraries.
func (in *Instance) Alpha() *image.Alpha {
	a := image.NewAlpha(in.Bounds())
	in.each(func(x, y int) { a.Pix[a.PixOffset(x, y)] = 0xff })
	return a
}

// Cut gives the pixels of the thing, with the rectangle Bounds; all around is
// transparent. The picture is the one that was segmented.
func (in *Instance) Cut(picture image.Image) *image.NRGBA {
	out := image.NewNRGBA(in.Bounds())
	origin := picture.Bounds().Min
	in.each(func(x, y int) {
		c := color.NRGBAModel.Convert(picture.At(origin.X+x, origin.Y+y)).(color.NRGBA)
		out.SetNRGBA(x, y, c)
	})
	return out
}

// each visits the pixels of the mask, column by column.
func (in *Instance) each(visit func(x, y int)) {
	at, height := 0, in.Mask.H
	for i, run := range in.Mask.Runs {
		if i%2 == 1 {
			for p := at; p < at+int(run); p++ {
				visit(p/height, p%height)
			}
		}
		at += int(run)
	}
}
