package train

import (
	"fmt"
	"image"
	"image/draw"
	"sync"

	"github.com/spinemask/spinemask"
	"github.com/spinemask/spinemask/dataset"
	"github.com/spinemask/spinemask/train/augment"
)

// cache keeps decoded pictures in memory, the first ones that come, up to a limit:
// of a small set all, of a large one a part, which costs the same each epoch.
type cache struct {
	mu    sync.Mutex
	kept  map[int]*entry
	limit int64
	used  int64
}

// entry is an image as it is kept in memory.
type entry struct {
	picture  *augment.Picture
	objects  []augment.Object
	diameter float64 // of the median object, picture pixels; 0: there is none
}

func (c *cache) get(t *Trainer, i int) (*entry, error) {
	c.mu.Lock()
	e := c.kept[i]
	c.mu.Unlock()
	if e != nil {
		return e, nil
	}
	e, err := t.read(&t.set.Images[i])
	if err != nil {
		return nil, err
	}
	size := int64(len(e.picture.Pix))
	for _, o := range e.objects {
		size += int64(len(o.Mask.Bits))
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.kept == nil {
		c.kept = map[int]*entry{}
	}
	if c.kept[i] == nil && c.used+size <= c.limit {
		c.kept[i] = e
		c.used += size
	}
	return e, nil
}

// read decodes an image and cuts its objects' masks out. Crowds are not learned.
func (t *Trainer) read(im *dataset.Image) (*entry, error) {
	img, err := t.options.Read(im)
	if err != nil {
		return nil, fmt.Errorf("train: %s: %w", im.Name, err)
	}
	p := rgb(img)
	if im.Height != 0 && (im.Height != p.Height || im.Width != p.Width) {
		return nil, fmt.Errorf("train: %s: the picture has %d×%d pixels (width × height), its objects were marked in %d×%d", im.Name, p.Width, p.Height, im.Width, im.Height)
	}
	e := &entry{picture: p}
	for _, o := range im.Objects {
		if o.Crowd {
			continue
		}
		e.objects = append(e.objects, augment.Object{Class: t.config.RowOf(o.Category), Box: o.Box, Mask: augment.NewPatch(o.Mask)})
	}
	e.diameter = medianDiameter(e.objects)
	return e, nil
}

func readImage(im *dataset.Image) (image.Image, error) {
	return spinemask.OpenImage(im.Path, &spinemask.ImageOptions{AsStored: im.AsStored})
}

// rgb gives 8-bit RGB.
func rgb(img image.Image) *augment.Picture {
	b := img.Bounds()
	p := &augment.Picture{Height: b.Dy(), Width: b.Dx(), Pix: make([]byte, 3*b.Dx()*b.Dy())}
	row := image.NewRGBA(image.Rect(0, 0, p.Width, 1))
	for y := range p.Height {
		draw.Draw(row, row.Rect, img, image.Pt(b.Min.X, b.Min.Y+y), draw.Src)
		for x := range p.Width {
			copy(p.Pix[3*(y*p.Width+x):][:3], row.Pix[4*x:])
		}
	}
	return p
}
