package export

import (
	"encoding/csv"
	"io"
	"strconv"

	"github.com/spinemask/spinemask/internal/core/resultjson"
	"github.com/spinemask/spinemask/rle"
)

// CSV writes a row for each instance, with what one measures of a mask.
type CSV struct{ w *csv.Writer }

// csvColumns: "instance" counts those of an image from 1, as the instance maps and the names of cut-outs do. x, y, width and height are the box of the network,
// centroid_x and centroid_y the mean of the mask's pixel centres, diameter that of a circle of the same area; pixels all. "border" is 1 where the mask touches
// the border of the picture. Those in micrometres are empty where the size of a pixel is not known. Intensities are those of a grey picture, or else those of
// red, green and blue; the others are empty. Of an instance without a mask, all this is of the box.
var csvColumns = []string{"image_id", "file_name", "instance", "category_id", "category", "score", "x", "y", "width", "height",
	"area", "centroid_x", "centroid_y", "diameter", "border", "area_um2", "centroid_x_um", "centroid_y_um", "diameter_um",
	"intensity_mean", "intensity_min", "intensity_max",
	"intensity_mean_red", "intensity_min_red", "intensity_max_red",
	"intensity_mean_green", "intensity_min_green", "intensity_max_green",
	"intensity_mean_blue", "intensity_min_blue", "intensity_max_blue"}

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
		x, y := in.centre()
		area := in.area()
		row := []string{strconv.FormatInt(p.ID, 10), p.FileName, strconv.Itoa(i + 1), strconv.Itoa(in.Category), in.Name, string(resultjson.AppendScore(nil, in.Score))}
		for _, v := range in.Box {
			row = append(row, string(resultjson.AppendNumber(nil, v)))
		}
		if area > 0 {
			row = append(row, string(resultjson.AppendNumber(nil, area)), fixed(x), fixed(y), fixed(diameter(area)), border(in.extent(p)))
		} else {
			row = append(row, "0", "", "", "", "0")
		}
		if one := p.pixelArea(); one > 0 && area > 0 {
			row = append(row, fourDigits(area*one), fourDigits(x*p.PixelSize[0]), fourDigits(y*p.PixelSize[1]), fourDigits(diameter(area*one)))
		} else {
			row = append(row, "", "", "", "")
		}
		if err := c.w.Write(appendIntensities(row, in.Intensity)); err != nil {
			return err
		}
	}
	return nil
}

// appendIntensities appends the columns of one channel and those of three.
func appendIntensities(row []string, list []Intensity) []string {
	if len(list) != 1 {
		row = append(row, "", "", "")
	}
	for _, v := range list {
		row = append(row, number(v.Mean), number(v.Min), number(v.Max))
	}
	for len(row) < len(csvColumns) {
		row = append(row, "")
	}
	return row
}

// Close writes what is left.
func (c *CSV) Close() error {
	c.w.Flush()
	return c.w.Error()
}

func fixed(v float64) string      { return strconv.FormatFloat(v, 'f', 2, 64) }
func fourDigits(v float64) string { return strconv.FormatFloat(v, 'f', 4, 64) }
func number(v float64) string     { return strconv.FormatFloat(v, 'g', -1, 64) }

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
