"""A ResNet-50 of torchvision with a 32nd of the channels, and what it makes of two photos.

python make.py IMAGES    writes tiny.pth and outputs.safetensors here; IMAGES is ../images
"""
import sys
import torch
from PIL import Image
from safetensors.torch import save_file
from torch import nn
from torchvision.models.resnet import Bottleneck, ResNet
from torchvision.transforms._presets import ImageClassification

NARROW = 32


class Tiny(ResNet):
    def _make_layer(self, block, planes, *args, **kwargs):
        if planes == 64:  # the first stage: the stem is made already
            self.inplanes = 64 // NARROW
            self.conv1 = nn.Conv2d(3, self.inplanes, 7, stride=2, padding=3, bias=False)
            self.bn1 = nn.BatchNorm2d(self.inplanes)
        return super()._make_layer(block, planes // NARROW, *args, **kwargs)


torch.manual_seed(1)
net = Tiny(Bottleneck, [3, 4, 6, 3], num_classes=7)
net.fc = nn.Linear(4 * 512 // NARROW, 7)
preset = ImageClassification(crop_size=224)
photos = [Image.open(f"{sys.argv[1]}/{n}.png").convert("RGB") for n in ("a1777737270c5f96", "547ef286ee5f4e5d")]
for m in net.modules():
    if isinstance(m, nn.BatchNorm2d):
        nn.init.uniform_(m.weight, 0.7, 1.3)
        nn.init.uniform_(m.bias, -0.3, 0.3)
        m.momentum = None
with torch.no_grad():
    net.train()(torch.stack([preset(p) for p in photos]))  # statistics of these photos
    net.eval()
    net.load_state_dict({k: v.half().float() if v.is_floating_point() else v for k, v in net.state_dict().items()})
    torch.save({k: v.half() if v.is_floating_point() else v for k, v in net.state_dict().items()}, "tiny.pth")
    out = {}
    for i, p in enumerate(photos):
        x = preset(p)[None]
        out[f"{i}.input"] = x[0, :, ::16, ::16].contiguous()
        out[f"{i}.logits"] = net(x)[0]
save_file(out, "outputs.safetensors")
