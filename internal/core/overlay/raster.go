package overlay

import (
	"image"
	"image/color"
	"math"

	"golang.org/x/image/vector"
)

// A shape is an instance on the canvas: how much of each pixel its area and its outline cover.
type shape struct {
	rect          image.Rectangle
	area, outline []uint8 // rect, row by row
	casing        []uint8 // a dark seam around the outline, which sets it off from a bright photo
}

// newShape draws closed loops, scaled to the canvas. The outline lies on the inside of the border, so that touching instances keep one each.
func newShape(loops [][]point, scale, width float64, canvas image.Rectangle) shape {
	seam := int(width) + 1
	min, max := point{math.Inf(1), math.Inf(1)}, point{math.Inf(-1), math.Inf(-1)}
	for _, l := range loops {
		for _, p := range l {
			min.x, min.y = math.Min(min.x, p.x*scale), math.Min(min.y, p.y*scale)
			max.x, max.y = math.Max(max.x, p.x*scale), math.Max(max.y, p.y*scale)
		}
	}
	s := shape{rect: image.Rect(int(math.Floor(min.x))-seam, int(math.Floor(min.y))-seam, int(math.Ceil(max.x))+seam, int(math.Ceil(max.y))+seam).Intersect(canvas)}
	if len(loops) == 0 || s.rect.Empty() {
		return shape{}
	}
	s.area = s.fill(loops, scale)
	s.outline = s.stroke(loops, scale, width)
	s.casing = s.stroke(loops, scale, width*0.6)
	for i, a := range s.area {
		s.outline[i] = uint8(int(s.outline[i]) * int(a) / 255)
		s.casing[i] = uint8(int(s.casing[i]) * int(255-a) / 255)
	}
	return s
}

func (s *shape) fill(loops [][]point, scale float64) []uint8 {
	r := vector.NewRasterizer(s.rect.Dx(), s.rect.Dy())
	at := func(p point) (x, y float32) {
		return float32(p.x*scale - float64(s.rect.Min.X)), float32(p.y*scale - float64(s.rect.Min.Y))
	}
	for _, l := range loops {
		r.MoveTo(at(l[0]))
		for _, p := range l[1:] {
			r.LineTo(at(p))
		}
		r.ClosePath()
	}
	m := image.NewAlpha(image.Rect(0, 0, s.rect.Dx(), s.rect.Dy()))
	r.Draw(m, m.Rect, image.Opaque, image.Point{})
	return m.Pix
}

// stroke gives what lies within width of the loops, on both sides, by the distance of pixel centres to the nearest piece of the line.
func (s *shape) stroke(loops [][]point, scale, width float64) []uint8 {
	w, h := s.rect.Dx(), s.rect.Dy()
	cover := make([]uint8, w*h)
	reach := width + 0.5
	for _, l := range loops {
		for i, b := range l {
			a := l[(i+len(l)-1)%len(l)]
			// Pixel centres have whole coordinates from here on.
			ax, ay := a.x*scale-float64(s.rect.Min.X)-0.5, a.y*scale-float64(s.rect.Min.Y)-0.5
			bx, by := b.x*scale-float64(s.rect.Min.X)-0.5, b.y*scale-float64(s.rect.Min.Y)-0.5
			dx, dy := bx-ax, by-ay
			length2 := max(dx*dx+dy*dy, 1e-12)
			x0, x1 := max(int(math.Ceil(min(ax, bx)-reach)), 0), min(int(max(ax, bx)+reach), w-1)
			y0, y1 := max(int(math.Ceil(min(ay, by)-reach)), 0), min(int(max(ay, by)+reach), h-1)
			for y := y0; y <= y1; y++ {
				for x := x0; x <= x1; x++ {
					px, py := float64(x)-ax, float64(y)-ay
					t := min(max((px*dx+py*dy)/length2, 0), 1)
					ex, ey := px-t*dx, py-t*dy
					d2 := ex*ex + ey*ey
					if d2 >= reach*reach {
						continue
					}
					if c := uint8(255 * min(reach-math.Sqrt(d2), 1)); c > cover[y*w+x] {
						cover[y*w+x] = c
					}
				}
			}
		}
	}
	return cover
}

// paint lays a colour over the canvas, as strongly as cover says, times opacity.
func (s *shape) paint(m *image.RGBA, cover []uint8, c color.RGBA, opacity float64) {
	strength := int(opacity*256 + 0.5)
	w := s.rect.Dx()
	for y := s.rect.Min.Y; y < s.rect.Max.Y; y++ {
		row := m.Pix[m.PixOffset(s.rect.Min.X, y):]
		for x, a := range cover[(y-s.rect.Min.Y)*w:][:w] {
			if a != 0 {
				mix(row[4*x:4*x+3], c, int(a)*strength>>8)
			}
		}
	}
}

// mix moves a pixel towards c; alpha 255 is all the way.
func mix(p []uint8, c color.RGBA, alpha int) {
	for i, v := range [3]uint8{c.R, c.G, c.B} {
		p[i] = uint8((int(p[i])*(255-alpha) + int(v)*alpha + 127) / 255)
	}
}
