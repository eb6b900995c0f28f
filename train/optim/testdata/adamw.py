"""Writes adamw.json: weights after each step of torch.optim.AdamW, float32 on a CPU.
Needs PyTorch 2.15.0. usage: python adamw.py >adamw.json"""
import json

import torch

torch.manual_seed(1)
cases = []
for betas, eps, decay in (((0.9, 0.999), 1e-8, 0.01), ((0.8, 0.95), 1e-3, 0.0), ((0.0, 0.5), 1e-6, 0.3)):
    w = torch.nn.Parameter(torch.randn(7))
    o = torch.optim.AdamW([w], betas=betas, eps=eps, weight_decay=decay, foreach=False)
    case = {"beta1": betas[0], "beta2": betas[1], "epsilon": eps, "decay": decay, "start": w.tolist(), "steps": []}
    for rate in (0.1, 0.03, 0.03, 0.2, 0.001, 0.05):
        o.param_groups[0]["lr"] = rate
        w.grad = torch.randn(7) * torch.tensor([1e-4, 1e-2, 0.1, 1, 10, 0, -1])
        o.step()
        case["steps"].append({"rate": rate, "grad": w.grad.tolist(), "weights": w.tolist()})
    cases.append(case)
print(json.dumps(cases, indent=1))
