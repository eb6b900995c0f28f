package train

import (
	"fmt"
	"image"
	"image/color"

	"github.com/spinemask/spinemask/box"
	"github.com/spinemask/spinemask/config"
	"github.com/spinemask/spinemask/dataset"
	"github.com/spinemask/spinemask/rle"
)

// A View is an image as the network sees it, for people to look at.
type View struct {
	Image   *dataset.Image // that it was made of
	Picture *image.RGBA    // turned, scaled, cut and coloured; of the input's size
	Objects []ViewObject
}

// A ViewObject is an object of a View.
type ViewObject struct {
	Class string
	Box   box.Box  // input pixels
	Mask  rle.Mask // of the input's size; of what is learned, what is above a half
}

// Views are the images of a batch, or of its first part, as they are shown to the network
// in a step from 0.
func (t *Trainer) Views(step int) ([]View, error) {
	images, truths, err := t.fill(batch{step: step})
	if err != nil {
		return nil, err
	}
	in := t.net.input()
	views := make([]View, len(images))
	for i := range views {
		v := &views[i]
		v.Image, v.Picture = images[i], image.NewRGBA(image.Rect(0, 0, in.Width, in.Height))
		for y := range in.Height {
			row := in.Row(i, y)
			for x := range in.Width {
				v.Picture.SetRGBA(x, y, t.colour(row[3*x:]))
			}
		}
		for k, b := range truths[i].boxes {
			o := ViewObject{Class: t.className(truths[i].classes[k]), Box: b}
			if side := t.recipe.Regions.MaskCrop; len(truths[i].masks) > 0 {
				o.Mask = paste(truths[i].masks[k*side*side:][:side*side], side, b, in.Height, in.Width)
			}
			v.Objects = append(v.Objects, o)
		}
	}
	return views, nil
}

// colour undoes the normalisation; what is beyond the picture has the mean's colour.
func (t *Trainer) colour(pixel []float32) color.RGBA {
	n := normalisation(&t.config.Input)
	var rgb [3]byte
	for c := range rgb {
		at := c
		if t.config.Input.ChannelOrder == config.ChannelOrderBGR {
			at = 2 - c
		}
		v := float64(float64(pixel[at])*n.Std[c]) + n.Mean[c]
		rgb[c] = byte(min(max(float64(255*v)+0.5, 0), 255))
	}
	return color.RGBA{rgb[0], rgb[1], rgb[2], 255}
}

func (t *Trainer) className(row int) string {
	for i, k := range t.config.Categories {
		if t.config.RowOf(i) == row {
			if k.Name != "" {
				return k.Name
			}
			return fmt.Sprint("class ", k.ID)
		}
	}
	return ""
}

// paste puts what is learned of a mask, side×side cells over its box, into a picture.
func paste(cells []float32, side int, b box.Box, height, width int) rle.Mask {
	bits := make([]byte, height*width)
	for x := max(int(b.X1), 0); x < width && float32(x) < b.X2; x++ {
		column := int((float32(x) + 0.5 - b.X1) / (b.X2 - b.X1) * float32(side))
		for y := max(int(b.Y1), 0); y < height && float32(y) < b.Y2; y++ {
			row := int((float32(y) + 0.5 - b.Y1) / (b.Y2 - b.Y1) * float32(side))
			if min(row, column) >= 0 && max(row, column) < side && cells[row*side+column] >= 0.5 {
				bits[y*width+x] = 1
			}
		}
	}
	return rle.FromBitmap(height, width, bits)
}
