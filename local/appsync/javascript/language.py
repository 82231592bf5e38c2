"""What APPSYNC_JS has and lacks, as word lists.

Sources: the AppSync Developer Guide, "Supported runtime features"; `@aws-appsync/eslint-plugin` 2.0.2, rules
no-disallowed-methods and no-function-passing; the typings of `@aws-appsync/utils` 2.1.1.
"""

from __future__ import annotations


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


MAX_CODE_CHARACTERS = 32_768
MAX_LOOP_ITERATIONS = 1_000

UNSUPPORTED_GLOBALS = _words(
    "AggregateError ArrayBuffer Atomics BigInt BigInt64Array BigUint64Array Buffer DataView Date Error EvalError "
    "FinalizationRegistry Float32Array Float64Array Function Int16Array Int32Array Int8Array Intl Iterator Map "
    "Promise Proxy RangeError ReferenceError Reflect RegExp Set SharedArrayBuffer Symbol SyntaxError TypeError "
    "URIError URL URLSearchParams Uint16Array Uint32Array Uint8Array Uint8ClampedArray WeakMap WeakRef WeakSet "
    "WebAssembly __dirname __filename atob btoa clearInterval clearTimeout crypto escape eval exports fetch global "
    "globalThis module performance process queueMicrotask require setImmediate setInterval setTimeout "
    "structuredClone unescape window"
)

# Members of the constructors that are denied, and methods of values that are denied by their names.
DENIED_MEMBERS = {
    "Object": _words(
        "create defineProperties defineProperty freeze getOwnPropertyDescriptor getOwnPropertyDescriptors "
        "getOwnPropertyNames getOwnPropertySymbols getPrototypeOf is isExtensible isFrozen isSealed preventExtensions "
        "seal setPrototypeOf"
    ),
    "Array": _words("from of"),
    "String": _words("fromCharCode fromCodePoint"),
}
DENIED_METHODS = _words(
    "charCodeAt copyWithin entries group groupToMap hasOwnProperty isPrototypeOf keys localeCompare matchAll padEnd "
    "padStart propertyIsEnumerable repeat search toLocaleLowerCase toLocaleString toLocaleUpperCase values"
)
FUNCTION_METHODS = _words("apply bind call")

# The array methods that take functions. sort is none of them (community issue 325).
TAKE_FUNCTIONS = _words(
    "map find filter findIndex findLast findLastIndex forEach reduce reduceRight every some flatMap"
)

# Import path -> (variable in the runtime, exported names).
MODULES = {
    "@aws-appsync/utils": ("utils", _words("util runtime extensions")),
    "@aws-appsync/utils/dynamodb": (
        "dynamodb",
        _words(
            "batchDelete batchGet batchPut get operations put query remove scan sync toBinarySet toNumberSet "
            "toStringSet transactGet transactWrite update"
        ),
    ),
}
MODULES_NOT_EMULATED = _words("@aws-appsync/utils/rds @aws-appsync/utils/ai")
