package export

import (
	"encoding/csv"
	"io"
	"math"
	"strconv"

	"github.com/spinemask/spinemask/rle"
)

// CSV writes a row for each instance, with what one measures of a mask.
type CSV struct{ w *csv.Writer }

// csvColumns: "instance" counts those of an image from 1, as the instance maps and the names of cut-outs do. x, y, width and height are the box of the network,
// centroid_x and centroid_y the mean of the mask's pixel centres, diameter that of a circle of the same area; pixels all. "border" is 1 where the mask touches
// the border of the picture.
var csvColumns = []string{"image_id", "file_name", "instance", "category_id", "category", "score", "x", "y", "width", "height",
	"area", "centroid_x", "centroid_y", "diameter", "border"}

// NewCSV begins a table on w.
func NewCSV(w io.Writer) *CSV {
	c := &CSV{csv.NewWriter(w)}
	c.w.Write(csvColumns) // its error comes again from Close
	return c
}

// Add writes the rows of a picture.
func (c *CSV) Add(p *Picture) error {
	for i := range p.Instances {
		in := &p.Instances[i]
		x, y := centroid(in.Mask)
		row := []string{strconv.FormatInt(p.ID, 10), p.FileName, strconv.Itoa(i + 1), strconv.Itoa(in.Category), in.Name, string(appendScore(nil, in.Score))}
		for _, v := range in.Box {
			row = append(row, string(appendNumber(nil, v)))
		}
		area := in.Mask.Area()
		row = append(row, strconv.FormatUint(area, 10), fixed(x), fixed(y), fixed(2*math.Sqrt(float64(area)/math.Pi)), border(in.Mask))
		if err := c.w.Write(row); err != nil {
			return err
		}
	}
	return nil
}

// Close writes what is left.
func (c *CSV) Close() error {
	c.w.Flush()
	return c.w.Error()
}

func fixed(v float64) string { return strconv.FormatFloat(v, 'f', 2, 64) }

// centroid is the mean of the centres of a mask's pixels; NaN if it has none.
func centroid(m rle.Mask) (x, y float64) {
	var sumX, sumY, n uint64 // of twice the centres
	eachSpan(m, func(col, y0, y1 int) {
		k := uint64(y1 - y0)
		n += k
		sumX += k * uint64(2*col+1)
		sumY += k * uint64(y0+y1)
	})
	return float64(sumX) / float64(2*n), float64(sumY) / float64(2*n)
}

// border says whether a mask touches the border of its picture.
func border(m rle.Mask) string {
	x, y, w, h := m.Bounds()
	if w > 0 && (x == 0 || y == 0 || x+w == m.W || y+h == m.H) {
		return "1"
	}
	return "0"
}

// eachSpan visits the foreground in pieces of columns: rows y0 … y1-1 of column x.
func eachSpan(m rle.Mask, visit func(x, y0, y1 int)) {
	at := 0
	for i, n := range m.Runs {
		end := at + int(n)
		if i%2 == 1 {
			for p := at; p < end; {
				x := p / m.H
				stop := min(end, (x+1)*m.H)
				visit(x, p-x*m.H, stop-x*m.H)
				p = stop
			}
		}
		at = end
	}
}
