package page

import (
	"bytes"
	"encoding/base64"
	"html/template"
	"image"
	"image/jpeg"

	"golang.org/x/image/draw"

	"github.com/spinemask/spinemask/internal/core/imageio"
	"github.com/spinemask/spinemask/internal/core/overlay"
)

// JPEG makes a picture a part of a page.
func JPEG(data []byte) template.URL {
	return template.URL("data:image/jpeg;base64," + base64.StdEncoding.EncodeToString(data))
}

// Draw draws instances on a photo, no larger than a page needs it.
func Draw(photo *imageio.Image, list []overlay.Instance) (template.URL, error) {
	img, err := overlay.Draw(photo, list)
	if err != nil {
		return "", err
	}
	const most = 900 // pixels
	if side := max(img.Rect.Dx(), img.Rect.Dy()); side > most {
		small := image.NewRGBA(image.Rect(0, 0, max(1, img.Rect.Dx()*most/side), max(1, img.Rect.Dy()*most/side)))
		draw.CatmullRom.Scale(small, small.Rect, img, img.Rect, draw.Src, nil)
		img = small
	}
	var b bytes.Buffer
	if err := jpeg.Encode(&b, img, &jpeg.Options{Quality: 80}); err != nil {
		return "", err
	}
	return JPEG(b.Bytes()), nil
}
