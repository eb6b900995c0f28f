package main

import (
	"fmt"
	"image/png"
	"io"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/spinemask/spinemask/internal/core/imageio"
	"github.com/spinemask/spinemask/internal/core/overlay"
	"github.com/spinemask/spinemask/train"
)

// previews is the number of pictures of --preview, at least.
const previews = 12

// preview writes what the network would see in the first steps, with the boxes and
// masks that it would learn.
func (r *trainRun) preview() error {
	folder := r.flags.preview
	if err := os.MkdirAll(folder, 0o777); err != nil {
		return err
	}
	n := 0
	for step := 0; n < previews && step < r.recipe.Steps; step++ {
		views, err := r.trainer.Views(step)
		if err != nil {
			return err
		}
		for i := range views {
			n++
			stem := strings.TrimSuffix(path.Base(views[i].Image.Name), path.Ext(views[i].Image.Name))
			file := filepath.Join(folder, fmt.Sprintf("%03d_%s.png", n, stem))
			if err := writeFile(file, func(w io.Writer) error { return drawView(w, &views[i]) }); err != nil {
				return err
			}
		}
	}
	r.talk.say("wrote %d pictures to %s: what the network sees in the first steps", n, folder)
	return nil
}

// drawView draws the outlines of masks, and boxes around them.
func drawView(w io.Writer, v *train.View) error {
	var list []overlay.Instance
	for _, o := range v.Objects {
		b := [4]float64{float64(o.Box.X1), float64(o.Box.Y1), float64(o.Box.X2 - o.Box.X1), float64(o.Box.Y2 - o.Box.Y1)}
		list = append(list, overlay.Instance{Mask: o.Mask, Box: b, Label: o.Class})
	}
	img, err := overlay.Draw(imageio.FromImage(v.Picture), list)
	if err != nil {
		return err
	}
	return png.Encode(w, img)
}
