package export

import (
	"fmt"
	"io"
	"strconv"
)

// YOLO writes a picture as a label file of YOLO's segmentation: a line for each instance, the index of its category in the list, then x y x y … as parts of the
// picture's width and height. The outline is for
// readers that fill the pixels under it, as ultralytics and supervision do. Holes, and the parts of a mask, are joined to it by lines over and back.
func YOLO(w io.Writer, p *Picture, categories []Category) error {
	index := map[int]int{}
	for i, c := range categories {
		index[c.ID] = i
	}
	var b []byte
	for i := range p.Instances {
		in := &p.Instances[i]
		line := contour(in.Mask)
		if len(line) == 0 {
			continue // no pixel is set
		}
		b = strconv.AppendInt(b, int64(index[in.Category]), 10)
		for _, q := range corners(line) {
			b = append(b, ' ')
			b = strconv.AppendFloat(b, q.x/float64(p.Width), 'f', 8, 64)
			b = append(b, ' ')
			b = strconv.AppendFloat(b, q.y/float64(p.Height), 'f', 8, 64)
		}
		b = append(b, '\n')
	}
	_, err := w.Write(b)
	return err
}

// YOLONames writes the list of categories beside the label files, in the form of a data.yaml.
func YOLONames(w io.Writer, categories []Category) error {
	if _, err := io.WriteString(w, "names:\n"); err != nil {
		return err
	}
	for i, c := range categories {
		if _, err := fmt.Fprintf(w, "  %d: %q\n", i, c.Name); err != nil {
			return err
		}
	}
	return nil
}
