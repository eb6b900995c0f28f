package coco

// A BoxCheck looks whether boxes are what COCO wants, x, y, width and height in pixels, or seem to be corners or fractions of
// the image. Which they are can be told of many boxes only.
type BoxCheck struct {
	n, fractions             int
	sized                    int // of images whose size is known
	ordered, inside, outside int
}

// Add takes the numbers of a box in an image of h×w pixels; 0, 0 if that is not known.
func (c *BoxCheck) Add(b *[4]float64, h, w int) {
	c.n++
	if b[2] > 0 && b[2] <= 1 && b[3] > 0 && b[3] <= 1 && b[0] >= 0 && b[0] <= 1 && b[1] >= 0 && b[1] <= 1 && (b[2] < 1 || b[3] < 1) {
		c.fractions++
	}
	if h == 0 || w == 0 {
		return
	}
	c.sized++
	fh, fw := float64(h), float64(w)
	if b[2] > b[0] && b[3] > b[1] {
		c.ordered++
	}
	if b[2] <= fw+1 && b[3] <= fh+1 {
		c.inside++
	}
	if b[0]+b[2] > float64(fw*1.01)+1 || b[1]+b[3] > float64(fh*1.01)+1 {
		c.outside++
	}
}

// Merge adds the counts of other.
func (c *BoxCheck) Merge(o *BoxCheck) {
	c.n, c.fractions, c.sized = c.n+o.n, c.fractions+o.fractions, c.sized+o.sized
	c.ordered, c.inside, c.outside = c.ordered+o.ordered, c.inside+o.inside, c.outside+o.outside
}

// CornersText and FractionsText say what Corners and Fractions count, after the number and "boxes of annotations".
const (
	CornersText   = "leave their image, and none would as x1, y1, x2, y2: COCO wants x, y, width, height"
	FractionsText = "lie between 0 and 1: they seem to be fractions of the image; COCO wants pixels"
)

// Corners is how many boxes leave their image, where nearly all are proper ones if their last numbers are corners, and many
// leave the image if those are sizes; else 0.
func (c *BoxCheck) Corners() int {
	if c.sized > 0 && c.ordered*100 >= c.sized*99 && c.inside*100 >= c.sized*99 && c.outside*10 >= c.sized {
		return c.outside
	}
	return 0
}

// Fractions is how many boxes lie within the first pixel, where nearly all do; else 0.
func (c *BoxCheck) Fractions() int {
	if c.fractions > 0 && c.fractions*100 >= c.n*99 {
		return c.fractions
	}
	return 0
}
