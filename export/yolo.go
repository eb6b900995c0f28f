package export

import (
	"fmt"
	"io"
	"strconv"
)

// YOLO writes a picture as a label file of YOLO's segmentation: a line for each instance, the index of its category in the list, then x y x y … as parts of the
// picture's width and height. The outline is for
// readers that fill the pixels under it, as ultralytics and supervision do. Holes, and the parts of a mask, are joined to it by lines over and back. Instances of
// a category that is not in the list, which a row of a network has that its data set does not use, have no index and are left out; without a list all have index 0.
func YOLO(w io.Writer, p *Picture, categories []Category) error {
	index := map[int]int{}
	for i, c := range categories {
		index[c.ID] = i
	}
	var b []byte
	for i := range p.Instances {
		in := &p.Instances[i]
		k, listed := index[in.Category]
		line := contour(in.Mask)
		if !listed && len(categories) > 0 || len(line) == 0 { // no pixel is set
			continue
		}
		b = strconv.AppendInt(b, int64(k), 10)
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

// YOLOData writes the file that ultralytics takes as data=labels.yaml: where the images are, and the names of the categories. images is a folder beside it; all
// images are for training and for validation until somebody divides them. Without a "path" places count from the folder of the file.
func YOLOData(w io.Writer, images string, categories []Category) error {
	if _, err := fmt.Fprintf(w, "train: %[1]q\nval: %[1]q\nnames:\n", images); err != nil {
		return err
	}
	for i, c := range categories {
		if _, err := fmt.Fprintf(w, "  %d: %q\n", i, c.Name); err != nil {
			return err
		}
	}
	return nil
}
