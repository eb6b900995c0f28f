package export

import (
	"encoding/csv"
	"io"
	"strconv"

	"github.com/spinemask/spinemask/internal/core/resultjson"
)

// ImagesCSV writes a row for each picture, also for those where nothing was found and those that failed.
type ImagesCSV struct {
	w       *csv.Writer
	columns int
	classes []Category // each has a column, if there are several
}

// imageColumns: pixel sizes are in micrometres. Areas are sums and means of those of the masks, covered is the part of the pixels that belong to an instance, each
// counted once. "error" says why there is no result; then there are no numbers either. Cells whose value is not known, and means of nothing, are empty. A column
// "count: NAME" for each class follows if there are several.
var imageColumns = []string{"image_id", "file_name", "width", "height", "pixel_width_um", "pixel_height_um",
	"count", "mean_score", "area", "mean_area", "covered", "per_megapixel", "area_um2", "mean_area_um2", "per_mm2", "error"}

// NewImagesCSV begins a table on w.
func NewImagesCSV(w io.Writer, categories []Category) *ImagesCSV {
	columns := imageColumns[:len(imageColumns):len(imageColumns)]
	if len(categories) < 2 {
		categories = nil
	}
	for _, k := range categories {
		columns = append(columns, "count: "+k.Name)
	}
	c := &ImagesCSV{csv.NewWriter(w), len(columns), categories}
	c.w.Write(columns) // its error comes again from Close
	return c
}

// Add writes the row of a picture.
func (c *ImagesCSV) Add(p *Picture) error {
	n, area, score := float64(len(p.Instances)), 0.0, 0.0
	count := map[int]int{}
	for i := range p.Instances {
		in := &p.Instances[i]
		area += in.area()
		score += float64(in.Score)
		count[in.Category]++
	}
	pixels := float64(p.Width) * float64(p.Height)
	ratio := func(a, b float64) string { // empty where b is 0
		if b == 0 {
			return ""
		}
		return fourDigits(a / b)
	}
	row := []string{strconv.FormatInt(p.ID, 10), p.FileName, strconv.Itoa(p.Width), strconv.Itoa(p.Height)}
	one := p.pixelArea()
	if one > 0 {
		row = append(row, number(p.PixelSize[0]), number(p.PixelSize[1]))
	} else {
		row = append(row, "", "")
	}
	row = append(row, strconv.Itoa(len(p.Instances)), ratio(score, n), string(resultjson.AppendNumber(nil, area)), ratio(area, n),
		strconv.FormatFloat(float64(p.covered())/pixels, 'f', 6, 64), ratio(n*1e6, pixels))
	if one > 0 {
		row = append(row, fourDigits(area*one), ratio(area*one, n), ratio(n*1e6, pixels*one))
	} else {
		row = append(row, "", "", "")
	}
	row = append(row, "")
	for _, k := range c.classes {
		row = append(row, strconv.Itoa(count[k.ID]))
	}
	return c.w.Write(row)
}

// Fail writes the row of a picture without results.
func (c *ImagesCSV) Fail(id int64, f Failure) error {
	row := make([]string, c.columns)
	row[0], row[1], row[len(imageColumns)-1] = strconv.FormatInt(id, 10), f.FileName, f.Error
	return c.w.Write(row)
}

// Close writes what is left.
func (c *ImagesCSV) Close() error {
	c.w.Flush()
	return c.w.Error()
}
