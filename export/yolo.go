package export

import (
	"fmt"
	"io"
	"strconv"
)

// YOLO writes a picture as a label file of YOLO's segmentation: a line for each instance, the index of its category in the list, then x y x y … as parts of the
// picture's width and height. Parts of a mask are joined by a line, holes are lost, as in the converters of ultralytics.
func YOLO(w io.Writer, p *Picture, categories []Category) error {
	index := map[int]int{}
	for i, c := range categories {
		index[c.ID] = i
	}
	var b []byte
	for i := range p.Instances {
		in := &p.Instances[i]
		line := single(outlines(in.Mask, tolerance))
		if len(line) == 0 {
			continue // no pixel is set
		}
		b = strconv.AppendInt(b, int64(index[in.Category]), 10)
		for _, q := range line {
			b = append(b, ' ')
			b = strconv.AppendFloat(b, q.x/float64(p.Width), 'f', 6, 64)
			b = append(b, ' ')
			b = strconv.AppendFloat(b, q.y/float64(p.Height), 'f', 6, 64)
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
