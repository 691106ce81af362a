import type { ApiFault, FieldFaults } from "./api-fault.ts";

export function answerJson(body: object, status = 200): Response {
  return new Response(JSON.stringify(body), {
    status,
    headers: { "Content-Type": "application/json" },
  });
}

type AnsweredFault = Omit<ApiFault, "status"> & { readonly status: number };

/** In the shape that Seam's clients read their errors from. */
export function answerFault(fault: AnsweredFault, requestId: string): Response {
  const { status, type, message, fields, more, headers } = fault;
  const response = answerJson(
    {
      error: {
        type,
        message,
        ...(fields !== undefined && { validation_errors: validationErrors(fields) }),
        ...more,
        request_id: requestId,
      },
      ok: false,
    },
    status,
  );
  for (const [name, value] of Object.entries(headers ?? {})) response.headers.set(name, value);
  return response;
}

interface FaultNode {
  readonly errors: string[];
  readonly inner: Map<string, FaultNode>;
}

const emptyNode = (): FaultNode => ({ errors: [], inner: new Map() });

/** A tree along the fields' paths, with `_errors` at each place: zod's, which Seam answers. */
function validationErrors(fields: FieldFaults): object {
  const root = emptyNode();
  for (const [path, errors] of Object.entries(fields)) {
    let node = root;
    for (const name of path === "" ? [] : path.split(".")) {
      const inner = node.inner.get(name) ?? emptyNode();
      node.inner.set(name, inner);
      node = inner;
    }
    node.errors.push(...errors);
  }
  return treeOf(root);
}

function treeOf({ errors, inner }: FaultNode): object {
  const parts = [...inner].map(([name, node]) => [name, treeOf(node)] as const);
  return Object.fromEntries([["_errors", errors], ...parts]);
}
